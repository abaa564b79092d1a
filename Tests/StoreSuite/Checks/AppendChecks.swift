import StreamCore
import Testing

@available(freshet 0.1, *)
extension StoreCheck {
    static let appends: [StoreCheck] = [
        StoreCheck("an append to nothing changes nothing") { bench in
            let store = try await bench.store()
            #expect(try await store.append(name, AppendRequest(events: [EventBody("a")])) == .notFound)
            #expect(try await store.info(name) == nil)
        },
        StoreCheck("an append that is begun without a task comes to what it would come to in one") { bench in
            let store = try await bench.store()
            #expect(try await store.begin(name, AppendRequest(events: [EventBody("a")])) == .notFound)
            _ = try await store.put(name)
            let stamp = ProducerStamp(id: "p", epoch: 0, sequence: 0)
            let request = AppendRequest(contentType: .eventStream, events: [EventBody("a")], producer: stamp)
            guard case .appended(let tail, nil, let producer) = try await store.begin(name, request) else {
                throw UnexpectedOutcome("not appended")
            }
            #expect(try await store.info(name)?.tail == tail)
            #expect(try await store.texts(name) == ["a"])
            let state = try #require(producer)
            #expect(try await store.begin(name, request) == .duplicate(tail: tail, end: nil, producer: state))
            #expect(try await store.append(name, request) == .duplicate(tail: tail, end: nil, producer: state))
            let wrong = AppendRequest(contentType: ContentType("text/plain"), events: [EventBody("b")])
            #expect(try await store.begin(name, wrong) == .typeMismatch(.eventStream))
            let closing = AppendRequest(end: EndRequest(.done))
            guard case .appended(tail, let end?, nil) = try await store.begin(name, closing) else {
                throw UnexpectedOutcome("not ended")
            }
            let refused = AppendOutcome.ended(end, tail: tail, producer: nil)
            #expect(try await store.begin(name, AppendRequest(events: [EventBody("b")])) == refused)
        },
        StoreCheck("an event keeps its type and its bytes, whatever they are") { bench in
            let store = try await bench.store()
            _ = try await store.put(name)
            let bodies = [
                EventBody(type: "token", data: [0, 1, 0xFF, 0x0A, 0x0D]), EventBody(type: nil, data: []),
                EventBody(type: "é", data: Array(repeating: 7, count: 100_000)),
            ]
            _ = try await store.append(name, AppendRequest(events: EventBatch(bodies)))
            #expect(try await store.page(name).events.map(\.body) == bodies)
            let info = try #require(try await store.info(name))
            #expect(info.events == 3 && info.bytes == bodies.reduce(0) { $0 + $1.size })
        },
        StoreCheck("a stream ends once, with its reason, and takes nothing after") { bench in
            let store = try await bench.store()
            for (index, reason) in EndReason.allCases.enumerated() {
                let name = StreamName.known("end-\(index)")
                _ = try await store.put(name)
                let tail = try await store.add(name, "a", end: EndRequest(reason, detail: "because"))
                let end = try #require(try await store.info(name)?.end)
                #expect(end.reason == reason && end.detail == "because" && end.offset > tail)
                let refused = AppendOutcome.ended(end, tail: tail, producer: nil)
                let wishes = [
                    AppendRequest(events: [EventBody("b")]), AppendRequest(end: EndRequest(.cancelled)),
                    AppendRequest(end: EndRequest(.done)),
                    AppendRequest(events: [EventBody("b")], end: EndRequest(.failed)),
                ]
                for wish in wishes { #expect(try await store.append(name, wish) == refused) }
                #expect(try await store.texts(name) == ["a"])
                #expect(try await store.info(name)?.end == end)
            }
        },
        StoreCheck("a refused append leaves no trace") { bench in
            let store = try await bench.store()
            _ = try await store.put(name)
            _ = try await store.append(name, AppendRequest(events: [EventBody("a")], sequence: "5"))
            let before = try await store.info(name)
            let type = try #require(ContentType("text/plain"))
            let events: EventBatch = [EventBody("b"), EventBody("c")]
            let stamp = ProducerStamp(id: "p", epoch: 0, sequence: 1)
            let end = EndRequest(.done)
            _ = try await store.append(name, AppendRequest(contentType: type, events: events, end: end))
            _ = try await store.append(name, AppendRequest(events: events, producer: stamp, end: end))
            _ = try await store.append(name, AppendRequest(events: events, sequence: "4", end: end))
            #expect(try await store.info(name) == before)
            // A stamp refused for another reason is not remembered either.
            let first = ProducerStamp(id: "p", epoch: 0, sequence: 0)
            _ = try await store.append(name, AppendRequest(events: events, producer: first, sequence: "4"))
            let outcome = try await store.append(name, AppendRequest(events: events, producer: first, sequence: "6"))
            guard case .appended = outcome else { throw UnexpectedOutcome("\(outcome)") }
        },
        StoreCheck("an append for a stream that was born elsewhere finds none, also where all of it is asked at once") {
            bench in
            let store = try await bench.store()
            for round in 0..<20 {
                let name = StreamName.known("anew-\(round)")
                let old = try await store.put(name).birth
                let wish = AppendRequest(to: old, events: [EventBody("old")], end: EndRequest(.abandoned))
                async let removed = store.remove(name, because: .deleted, born: nil)
                async let made = store.create(name, CreateRequest(options: StreamOptions()))
                async let outcome = store.append(name, wish)
                switch try await outcome {
                case .appended, .notFound: break
                case let other: throw UnexpectedOutcome("\(other)")
                }
                #expect(try await removed == old)
                if case .created(let info) = try await made {
                    #expect(try await store.info(name) == info)
                    #expect(try await store.append(name, wish) == .notFound)
                    guard
                        case .appended = try await store.append(
                            name,
                            AppendRequest(to: info.birth, end: EndRequest(.done))
                        )
                    else { throw UnexpectedOutcome("not appended to its own") }
                } else {
                    #expect(try await store.info(name) == nil)
                }
            }
        },
        StoreCheck("the end comes before the type, the type before the producer, the producer before Stream-Seq") {
            bench in
            let store = try await bench.store()
            _ = try await store.put(name)
            let first = AppendRequest(
                events: [EventBody("a")],
                producer: ProducerStamp(id: "p", epoch: 1, sequence: 0),
                sequence: "5"
            )
            _ = try await store.append(name, first)
            var wish = AppendRequest(
                contentType: ContentType("text/plain"),
                events: [EventBody("b")],
                producer: ProducerStamp(id: "p", epoch: 0, sequence: 0),
                sequence: "1"
            )
            #expect(try await store.append(name, wish) == .typeMismatch(.eventStream))
            wish.contentType = ContentType("text/event-stream;charset=utf-8")
            #expect(try await store.append(name, wish) == .fenced(currentEpoch: 1))
            // A duplicate is one although its Stream-Seq is not later.
            guard case .duplicate = try await store.append(name, first) else { throw UnexpectedOutcome("no duplicate") }
            wish.producer = ProducerStamp(id: "p", epoch: 1, sequence: 1)
            #expect(try await store.append(name, wish) == .sequenceRegression(last: "5"))
            try await store.add(name, end: EndRequest(.done))
            wish.contentType = ContentType("text/plain")
            guard case .ended(_, _, let known) = try await store.append(name, wish) else {
                throw UnexpectedOutcome("not ended")
            }
            #expect(known == ProducerState(epoch: 1, sequence: 0))
        },
        StoreCheck("Stream-Seq rises byte by byte, for the stream as a whole") { bench in
            let store = try await bench.store()
            _ = try await store.put(name)
            let steps: [(String, Bool)] = [
                ("10", true), ("10", false), ("1", false), ("2", true), ("19", false), ("20", true), ("Z", true),
                ("a", true), ("B", false), ("aa", true), ("\u{E9}", true), ("z", false),
            ]
            var last = ""
            for (sequence, isLater) in steps {
                let outcome = try await store.append(name, AppendRequest(events: [EventBody("x")], sequence: sequence))
                if isLater {
                    guard case .appended = outcome else { throw UnexpectedOutcome("\(sequence): \(outcome)") }
                    last = sequence
                } else {
                    #expect(outcome == .sequenceRegression(last: last))
                }
            }
            try await store.add(name, "without one")
        },
    ]
}
