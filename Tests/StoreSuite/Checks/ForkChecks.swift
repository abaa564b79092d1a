package import StreamCore
import Testing

@available(freshet 0.1, *)
extension StoreCheck {
    /// What a store must do that keeps forks.
    package static let forks: [StoreCheck] = [
        StoreCheck("a fork shares the events of its source, and both go on alone") { bench in
            let store = try await bench.store()
            let birth = try await store.put(.known("a")).birth
            let first = try await store.add(.known("a"), "1", "2")
            let info = try await store.fork(.known("b"), ForkRequest(source: .known("a")))
            #expect(info.tail == first)
            #expect(info.forkedFrom == ForkOrigin(source: .known("a"), point: .after(first), beyond: 0))
            try await store.add(.known("a"), "a3")
            let own = try await store.add(.known("b"), "b3")
            #expect(own > first)
            #expect(try await store.texts(.known("a")) == ["1", "2", "a3"])
            #expect(try await store.texts(.known("b")) == ["1", "2", "b3"])
            let whole = try await store.page(.known("b"), from: .after(birth))
            #expect(whole.standing == .exact)
            let original = try await store.page(.known("a"))
            #expect(whole.offsets.prefix(2) == original.offsets.prefix(2))
            #expect(try await store.texts(.known("b"), from: .after(first)) == ["b3"])
        },
        StoreCheck("a fork inherits its type and expiry where it was asked to, and nothing else") { bench in
            let store = try await bench.store()
            var options = StreamOptions(contentType: ContentType("text/plain")!, expiry: .idle(seconds: 9))
            options.leaseSeconds = 5
            options.retention = Retention(events: 10)
            _ = try await store.put(.known("a"), options)
            let stamp = ProducerStamp(id: "p", epoch: 7, sequence: 0)
            _ = try await store.append(
                .known("a"),
                AppendRequest(events: [EventBody("1")], producer: stamp, sequence: "m")
            )
            _ = try await store.append(.known("a"), AppendRequest(end: EndRequest(.done)))
            let info = try await store.fork(.known("b"), ForkRequest(source: .known("a")))
            #expect(info.options.contentType.text == "text/plain")
            #expect(info.options.expiry == .idle(seconds: 9))
            #expect(info.options.leaseSeconds == nil)
            #expect(info.options.retention == .everything)
            #expect(info.end == nil)
            let retry = AppendRequest(events: [EventBody("2")], producer: stamp, sequence: "m")
            guard case .appended = try await store.append(.known("b"), retry) else {
                throw UnexpectedOutcome("a fork that remembers producers")
            }
        },
        StoreCheck("an event that is cut gets an offset of its own") { bench in
            let store = try await bench.store()
            let birth = try await store.put(.known("a"), StreamOptions(contentType: ContentType("text/plain")!)).birth
            let first = try await store.add(.known("a"), "hello")
            let request = ForkRequest(source: .known("a"), point: .after(birth), beyond: 3)
            let info = try await store.fork(.known("b"), request)
            #expect(try await store.texts(.known("b")) == ["hel"])
            #expect(info.tail > first)
            guard
                case .exists = try await store.create(
                    .known("b"),
                    CreateRequest(options: StreamOptions(), fork: request)
                )
            else { throw UnexpectedOutcome("another fork") }
        },
        StoreCheck("a fork may be bounded in bytes, and is told how many it would begin with") { bench in
            let store = try await bench.store()
            let birth = try await store.put(.known("a"), StreamOptions(contentType: ContentType("text/plain")!)).birth
            let first = try await store.add(.known("a"), "12345")
            try await store.add(.known("a"), "67890")
            for (point, beyond, bytes) in [
                (.now, 0, 10), (.after(first), 0, 5), (.after(first), 2, 7), (.after(birth), 0, 0),
            ] as [(ReadPosition, Int, Int)] {
                var fork = ForkRequest(source: .known("a"), point: point, beyond: beyond)
                fork.mostBytes = bytes + 2
                let request = CreateRequest(options: StreamOptions(), events: [EventBody("xyz")], fork: fork)
                let outcome = try await store.create(.known("b"), request)
                guard case .forkRefused(.tooLarge(let wanted)) = outcome, wanted == bytes + 3 else {
                    throw UnexpectedOutcome("\(outcome), of \(bytes + 3) bytes")
                }
                #expect(try await store.info(.known("b")) == nil)
                fork.mostBytes = bytes
                #expect(try await store.fork(.known("b"), fork).bytes == bytes)
                _ = try await store.remove(.known("b"), because: .deleted, born: nil)
            }
            var fork = ForkRequest(source: .known("none"))
            fork.mostBytes = 0
            let missing = try await store.create(.known("b"), CreateRequest(options: StreamOptions(), fork: fork))
            guard case .forkRefused(.sourceNotFound) = missing else { throw UnexpectedOutcome("\(missing)") }
        },
        StoreCheck("a removed source with forks keeps its name until the last of them is gone") { bench in
            let store = try await bench.store()
            _ = try await store.put(.known("a"))
            try await store.add(.known("a"), "1")
            _ = try await store.fork(.known("b"), ForkRequest(source: .known("a")))
            _ = try await store.fork(.known("c"), ForkRequest(source: .known("b")))
            for name in ["a", "b"] {
                #expect(try await store.remove(.known(name), because: .deleted, born: nil) != nil)
            }
            for name in ["a", "b"] {
                #expect(try await store.isSoftDeleted(.known(name)))
                #expect(try await store.info(.known(name)) == nil)
                #expect(try await store.remove(.known(name), because: .deleted, born: nil) == nil)
                guard case .gone = try await store.create(.known(name), CreateRequest(options: StreamOptions())) else {
                    throw UnexpectedOutcome("\(name) was made anew")
                }
            }
            #expect(try await store.list(prefix: "", after: nil, limit: 10).map(\.name) == [.known("c")])
            #expect(try await store.texts(.known("c")) == ["1"])
            #expect(try await store.remove(.known("c"), because: .expired, born: nil) != nil)
            for name in ["a", "b", "c"] { #expect(try await !store.isSoftDeleted(.known(name))) }
        },
        StoreCheck("random lives of streams and forks of forks, beside a list of texts for each") { bench in
            for seed in UInt64(1)...20 {
                try await ForkLife(seed: seed, harness: bench.harness, store: bench.store()).run(steps: 150)
            }
        },
    ]
}

@available(freshet 0.1, *)
extension StreamStore {
    package func fork(_ name: StreamName, _ request: ForkRequest) async throws -> StreamInfo {
        let outcome = try await create(name, CreateRequest(options: StreamOptions(), fork: request))
        guard case .created(let info) = outcome else { throw UnexpectedOutcome("\(outcome)") }
        return info
    }
}

/// Streams that are made, forked, appended to, ended, trimmed and removed at random, with restarts between where the
/// store has them, beside the simplest model of them.
@available(freshet 0.1, *)
private final class ForkLife {
    private struct Model {
        /// Everything the stream has or inherited, with its offsets.
        var events: [StreamEvent] = []
        var beginning: Offset
        var hasEnded = false
        /// The most events that are kept.
        var most: Int?
        var taken = 0
        var source: StreamName?

        var kept: ArraySlice<StreamEvent> { events[taken...] }
        var floor: Offset { taken > 0 ? events[taken - 1].offset : beginning }
    }

    private let seed: UInt64
    private var random: SeededRandom
    private let harness: any StoreUnderTest
    private var store: any StreamStore
    private let names = ["a", "b", "c", "d"].map(StreamName.known)
    private var model: [StreamName: Model] = [:]
    /// Removed, and how many forks they still have is counted anew when it is asked for.
    private var graves: [StreamName: StreamName?] = [:]
    private var written = 0
    private var trace: [String] = []

    init(seed: UInt64, harness: any StoreUnderTest, store: any StreamStore) {
        self.seed = seed
        self.harness = harness
        self.random = SeededRandom(seed: seed)
        self.store = store
    }

    private var context: Comment { "seed \(seed): \(trace.suffix(10).reversed().joined(separator: " < "))" }

    func run(steps: Int) async throws {
        for _ in 0..<steps {
            let name = names.randomElement(using: &random)!
            switch Int.random(in: 0..<100, using: &random) {
            case 0..<10: try await create(name)
            case 10..<35: try await fork(name, from: names.randomElement(using: &random)!)
            case 35..<75: try await append(name)
            case 75..<80: try await end(name)
            case 80..<83:
                trace.append("restart")
                store = try await harness.reopen() ?? store
            default: try await remove(name)
            }
            for name in names { try await compare(name) }
        }
    }

    private func create(_ name: StreamName) async throws {
        trace.append("create \(name)")
        let most = Bool.random(using: &random) ? 3 : nil
        let options = StreamOptions(contentType: ContentType("text/plain")!, retention: Retention(events: most))
        switch try await store.create(name, CreateRequest(options: options)) {
        case .created(let info):
            #expect(model[name] == nil && graves[name] == nil, context)
            model[name] = Model(beginning: info.birth, most: most)
        case .gone: #expect(graves[name] != nil, context)
        default: #expect(model[name] != nil, context)
        }
    }

    private func fork(_ name: StreamName, from source: StreamName) async throws {
        let original = model[source]
        let positions = (original.map { [$0.beginning] + $0.events.map(\.offset) } ?? []).map { ReadPosition.after($0) }
        let point = (positions + [.now, .start]).randomElement(using: &random)!
        let beyond = Int.random(in: 0..<3, using: &random) == 0 ? Int.random(in: 1...3, using: &random) : 0
        trace.append("fork \(name) of \(source) at \(point) + \(beyond)")
        let request = ForkRequest(source: source, point: point, beyond: beyond)
        let outcome = try await store.create(name, CreateRequest(options: StreamOptions(), fork: request))
        guard model[name] == nil, graves[name] == nil else {
            if case .created = outcome { throw UnexpectedOutcome("made twice, \(context)") }
            return
        }
        guard var fork = original else {
            let expected: ForkRefusal = graves[source] == nil ? .sourceNotFound : .sourceGone
            guard case .forkRefused(expected) = outcome else { throw UnexpectedOutcome("\(outcome), \(context)") }
            return
        }
        let count: Int
        switch point {
        case .now: count = fork.events.count
        case .start: count = fork.taken
        case .after(let offset): count = fork.events.firstIndex { $0.offset > offset } ?? fork.events.count
        }
        guard count >= fork.taken else {
            guard case .forkRefused(.belowFloor) = outcome else { throw UnexpectedOutcome("\(outcome), \(context)") }
            return
        }
        let next = count < fork.events.count ? fork.events[count] : nil
        fork.events = Array(fork.events.prefix(count))
        fork.hasEnded = false
        fork.most = nil
        fork.source = source
        if beyond > 0 {
            guard let next, beyond <= next.body.data.count else {
                guard case .forkRefused(.badSubOffset) = outcome else {
                    throw UnexpectedOutcome("\(outcome), \(context)")
                }
                return
            }
            guard case .created(let info) = outcome else { throw UnexpectedOutcome("\(outcome), \(context)") }
            let part = EventBody(data: Array(next.body.data.prefix(beyond)))
            fork.events.append(beyond == next.body.data.count ? next : StreamEvent(offset: info.tail, body: part))
        } else {
            guard case .created = outcome else { throw UnexpectedOutcome("\(outcome), \(context)") }
        }
        model[name] = fork
    }

    private func append(_ name: StreamName) async throws {
        trace.append("append \(name)")
        written += 1
        let outcome = try await store.append(name, AppendRequest(events: [EventBody("\(written)")]))
        guard case .appended(let tail, _, _) = outcome else {
            #expect(model[name]?.hasEnded ?? true, context)
            return
        }
        #expect(tail > (model[name]?.events.last?.offset ?? model[name]!.beginning), context)
        model[name]?.events.append(StreamEvent(offset: tail, body: EventBody("\(written)")))
        if let kept = model[name], let most = kept.most {
            model[name]?.taken = max(kept.taken, kept.events.count - most)
        }
    }

    private func end(_ name: StreamName) async throws {
        trace.append("end \(name)")
        _ = try await store.append(name, AppendRequest(end: EndRequest(.done)))
        model[name]?.hasEnded = true
    }

    private func remove(_ name: StreamName) async throws {
        trace.append("remove \(name)")
        let born = try await store.remove(name, because: .deleted, born: nil)
        #expect((born != nil) == (model[name] != nil), context)
        guard let gone = model.removeValue(forKey: name) else { return }
        graves[name] = .some(gone.source)
        // Whoever is the source of nothing, living or kept, is kept no longer.
        while let idle = graves.keys.first(where: { name in
            !model.values.contains { $0.source == name } && !graves.values.contains { $0 == name }
        }) {
            graves[idle] = nil
        }
    }

    private func compare(_ name: StreamName) async throws {
        #expect(try await store.isSoftDeleted(name) == (graves[name] != nil), context)
        guard let stream = model[name] else {
            #expect(try await store.info(name) == nil, context)
            return
        }
        let page = try await store.page(name)
        #expect(page.events == Array(stream.kept), context)
        #expect(page.floor == stream.floor, context)
        #expect((page.end != nil) == stream.hasEnded, context)
        #expect((page.standing == .exact) == (stream.floor == stream.beginning), context)
        for event in stream.kept {
            let rest = try await store.page(name, from: .after(event.offset))
            #expect(rest.standing == .exact, context)
            #expect(rest.events == stream.kept.filter { $0.offset > event.offset }, context)
        }
    }
}
