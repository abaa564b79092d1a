import SQLiteStreamStore
import StoreSuite
import StreamCore

/// Many at once write, read, end and delete until the power goes.
struct Load {
    let store: SQLiteStreamStore
    let disk: ForgetfulDisk
    let witness: Witness
    let time: ManualTime

    private static let plain = (0..<2).map { StreamName.known("plain\($0)") }
    private static let retained = StreamName.known("retained")
    private static let retainedEvents = 30

    func run(_ life: Int, seed: UInt64) async throws {
        guard try await prepare() else { return }
        let names = Self.plain + [Self.retained]
        let recorders = names.map { name in
            let recorder = WatchRecorder()
            store.watch(name, recorder)
            return (name, recorder)
        }
        try await withThrowingTaskGroup { group in
            for (index, name) in names.enumerated() {
                for writer in 0..<3 {
                    let seed = seed &+ UInt64(index * 10 + writer)
                    group.addTask { try await untilLoss { try await write(name, SeededRandom(seed: seed)) } }
                }
                group.addTask { try await untilLoss { try await read(name) } }
            }
            for (index, name) in Self.plain.enumerated() {
                let seed = seed &+ UInt64(100 + index)
                group.addTask { try await untilLoss { try await produce(name, SeededRandom(seed: seed)) } }
            }
            for index in 0..<2 {
                let seed = seed &+ UInt64(200 + index)
                group.addTask {
                    try await untilLoss { try await comeAndGo("life\(life)-\(index)", SeededRandom(seed: seed)) }
                }
            }
            try await group.waitForAll()
        }
        for (name, recorder) in recorders { witness.show(name, recorder.items) }
    }

    /// A store fails only when the disk did.
    private func untilLoss(_ body: () async throws -> Void) async throws {
        do {
            try await body()
        } catch let error as StoreError {
            if !disk.isLost { throw error }
        }
    }

    private func prepare() async throws -> Bool {
        do {
            for name in Self.plain { try await create(name) }
            try await create(Self.retained, retained: Self.retainedEvents)
            return true
        } catch let error as StoreError {
            if !disk.isLost { throw error }
            return false
        }
    }

    private func create(_ name: StreamName, retained: Int? = nil) async throws {
        witness.expect(name, WitnessedStream(retained: retained))
        let options = StreamOptions(retention: Retention(events: retained))
        switch try await store.create(name, CreateRequest(options: options)) {
        case .created(let info):
            witness.gave(info.birth)
            witness.change(name) { $0.birth = info.birth }
        case .exists: break
        case let other: witness.note("creating \(name) is answered \(other)")
        }
    }

    private func ask(_ name: StreamName, _ random: inout SeededRandom) -> (number: Int, events: [EventBody]) {
        let count = Int.random(in: 1...4, using: &random)
        let padding = Int.random(in: 0..<12, using: &random) == 0 ? 5000 : Int.random(in: 0...60, using: &random)
        let (number, texts) = witness.ask(name, count: count, padding: padding)
        return (number, texts.map(EventBody.init))
    }

    private func append(_ name: StreamName, _ random: inout SeededRandom) async throws {
        let (number, events) = ask(name, &random)
        let outcome = try await store.append(name, AppendRequest(events: EventBatch(events)))
        guard case .appended(let tail, _, _) = outcome else {
            return witness.note("\(name) answers \(outcome)")
        }
        witness.acknowledge(name, number, tail: tail)
    }

    private func write(_ name: StreamName, _ random: SeededRandom) async throws {
        var random = random
        while !disk.isLost { try await append(name, &random) }
    }

    /// An idempotent producer: sends what it has no answer to again, and goes on.
    private func produce(_ name: StreamName, _ random: SeededRandom) async throws {
        var random = random
        let producer = "producer of \(name)"
        if let sent = witness.sent(producer), try await !send(name, producer, sent) { return }
        while !disk.isLost {
            let sequence = witness.sent(producer).map { $0.sequence + 1 } ?? 0
            let sent = Witness.Sent(sequence: sequence, request: ask(name, &random).number)
            witness.send(producer, sent)
            guard try await send(name, producer, sent) else { return }
        }
    }

    /// False when the answer is wrong.
    private func send(_ name: StreamName, _ producer: String, _ sent: Witness.Sent) async throws -> Bool {
        let events = witness.texts(name, sent.request).map(EventBody.init)
        let stamp = ProducerStamp(id: producer, epoch: 0, sequence: sent.sequence)
        let outcome = try await store.append(name, AppendRequest(events: EventBatch(events), producer: stamp))
        switch outcome {
        case .appended(let tail, _, _) where !sent.isAcknowledged:
            witness.acknowledge(name, sent.request, tail: tail)
        case .duplicate: witness.acknowledge(name, sent.request)
        default:
            witness.note("\(name) answers \(sent) with \(outcome)")
            return false
        }
        var answered = sent
        answered.isAcknowledged = true
        witness.send(producer, answered)
        return true
    }

    /// Reads like someone who comes back with the last offset.
    private func read(_ name: StreamName) async throws {
        var position = ReadPosition.start
        while !disk.isLost {
            let page = try await store.page(name, from: position, limit: PageLimit(events: 20))
            witness.show(name, page.events)
            if let last = page.events.last { position = .after(last.offset) }
            await Task.yield()
        }
    }

    /// Streams that are made, written, ended, and sometimes deleted, while the clock goes on.
    private func comeAndGo(_ prefix: String, _ random: SeededRandom) async throws {
        var random = random
        var count = 0
        while !disk.isLost {
            count += 1
            let name = StreamName.known("\(prefix)-\(count)")
            time.advance(by: .milliseconds(Int.random(in: 0...4000, using: &random)))
            try await create(name)
            for _ in 0..<Int.random(in: 0...6, using: &random) { try await append(name, &random) }
            if Bool.random(using: &random) { try await end(name) }
            if Bool.random(using: &random) { try await fork(name, &random) }
            guard Bool.random(using: &random) else { continue }
            witness.change(name) { $0.removal = .asked }
            _ = try await store.remove(name, because: .deleted, born: nil)
            witness.change(name) { $0.removal = .acknowledged }
        }
    }

    /// A fork of a stream that nobody else writes, behind one of its requests. It goes on when the stream is deleted.
    private func fork(_ source: StreamName, _ random: inout SeededRandom) async throws {
        let stream = witness.stream(source)
        let requests = stream.requests
        let shared = requests.prefix(Int.random(in: 0...requests.count, using: &random))
        let name = StreamName.known("\(source)-fork")
        // Until it is acknowledged, nothing of it is owed.
        let asked = shared.map { WitnessedStream.Request(texts: $0.texts, tail: $0.tail) }
        witness.expect(name, WitnessedStream(floor: stream.birth, requests: asked))
        let request = ForkRequest(source: source, point: shared.last?.tail.map { .after($0) } ?? .start)
        switch try await store.create(name, CreateRequest(options: StreamOptions(), fork: request)) {
        case .created(let info):
            witness.gave(info.birth)
            witness.change(name) { stream in
                stream.birth = info.birth
                for index in stream.requests.indices { stream.requests[index].isAcknowledged = true }
            }
        case let other: return witness.note("forking \(source) is answered \(other)")
        }
        try await append(name, &random)
    }

    private func end(_ name: StreamName) async throws {
        witness.change(name) { $0.ending = .asked }
        let outcome = try await store.append(name, AppendRequest(end: EndRequest(.done)))
        guard case .appended(_, let end?, _) = outcome else { return witness.note("\(name) answers \(outcome)") }
        witness.gave(end.offset)
        witness.change(name) { stream in
            stream.ending = .acknowledged
            stream.end = end
        }
    }
}
