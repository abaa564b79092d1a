import StreamCore
import Testing

@available(freshet 0.1, *)
extension StoreCheck {
    static let creation: [StoreCheck] = [
        StoreCheck("creating again with the same options is idempotent") { bench in
            let store = try await bench.store()
            let options = StreamOptions(
                contentType: ContentType("text/plain; charset=utf-8")!,
                expiry: .idle(seconds: 60),
                leaseSeconds: 30,
                retention: Retention(events: 100)
            )
            let info = try await store.put(name, options)
            #expect(info.options == options && info.name == name)
            #expect(info.events == 0 && info.bytes == 0 && info.end == nil)
            try await store.add(name, "one")
            let other = StreamOptions(
                contentType: ContentType("TEXT/plain")!,
                expiry: .idle(seconds: 60),
                leaseSeconds: 30,
                retention: Retention(events: 100)
            )
            guard case .exists(let again) = try await store.create(name, CreateRequest(options: other)) else {
                throw UnexpectedOutcome("a second create is not idempotent")
            }
            #expect(again.birth == info.birth && again.events == 1)
            #expect(try await store.texts(name) == ["one"])
        },
        StoreCheck("creating again with events does not append them again") { bench in
            let store = try await bench.store()
            let request = CreateRequest(options: StreamOptions(), events: [EventBody("one"), EventBody("two")])
            guard case .created(let info) = try await store.create(name, request) else {
                throw UnexpectedOutcome("not created")
            }
            #expect(info.events == 2 && info.bytes == 6 && info.tail > info.birth && info.floor == info.birth)
            guard case .exists = try await store.create(name, request) else { throw UnexpectedOutcome("not there") }
            #expect(try await store.texts(name) == ["one", "two"])
        },
        StoreCheck("every difference to what is there is a conflict of its name") { bench in
            let store = try await bench.store()
            let options = StreamOptions(expiry: .idle(seconds: 9), leaseSeconds: 5, retention: Retention(bytes: 10))
            _ = try await store.put(name, options)
            let differences: [(CreateConflict, @Sendable (inout StreamOptions) -> Void)] = [
                (.contentType, { $0.contentType = ContentType("text/plain")! }),
                (.expiry, { $0.expiry = .idle(seconds: 10) }),
                (.expiry, { $0.expiry = .at(wallMilliseconds: 9) }),
                (.expiry, { $0.expiry = nil }),
                (.lease, { $0.leaseSeconds = nil }),
                (.lease, { $0.leaseSeconds = 6 }),
                (.retention, { $0.retention.events = 1 }),
                (.responseFields, { $0.responseFields = [.init(name: "x-a", value: "1")] }),
            ]
            for (expected, change) in differences {
                var other = options
                change(&other)
                let outcome = try await store.create(name, CreateRequest(options: other))
                guard case .conflict(let info, let conflict) = outcome else { throw UnexpectedOutcome("\(outcome)") }
                #expect(conflict == expected && info.options == options)
            }
        },
        StoreCheck("open and ended conflict both ways, ended and ended do not") { bench in
            let store = try await bench.store()
            let open = CreateRequest(options: StreamOptions())
            let closed = CreateRequest(options: StreamOptions(), events: [EventBody("x")], end: EndRequest(.done))
            guard case .created(let info) = try await store.create(name, closed) else {
                throw UnexpectedOutcome("not created")
            }
            #expect(info.end?.reason == .done && info.events == 1)
            guard case .conflict(_, .ended) = try await store.create(name, open) else {
                throw UnexpectedOutcome("an ended stream is not open")
            }
            guard case .exists = try await store.create(name, closed) else { throw UnexpectedOutcome("not idempotent") }
            _ = try await store.put(other)
            guard case .conflict(_, .open) = try await store.create(other, closed) else {
                throw UnexpectedOutcome("an open stream has not ended")
            }
        },
        StoreCheck("a lease changed later neither conflicts with the first request nor is forgotten") { bench in
            let store = try await bench.store()
            let options = StreamOptions(leaseSeconds: 5)
            _ = try await store.put(name, options)
            #expect(try await store.setLease(name, seconds: 99))
            #expect(try await store.info(name)?.options.leaseSeconds == 99)
            guard case .exists = try await store.create(name, CreateRequest(options: options)) else {
                throw UnexpectedOutcome("conflict")
            }
            try await store.add(name, end: EndRequest(.done))
            #expect(try await !store.setLease(name, seconds: 7))
            #expect(try await !store.setLease(other, seconds: 7))
        },
        StoreCheck("names that look alike but differ in their bytes are different streams") { bench in
            let store = try await bench.store()
            _ = try await store.put(.known("caf\u{E9}"))
            #expect(try await store.info(.known("cafe\u{301}")) == nil)
            _ = try await store.put(.known("cafe\u{301}"))
            try await store.add(.known("caf\u{E9}"), "x")
            #expect(try await store.texts(.known("cafe\u{301}")).isEmpty)
        },
    ]

    static let name = StreamName.known("a/stream")
    static let other = StreamName.known("b/stream")
}
