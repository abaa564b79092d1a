import SQLiteStreamStore
import StoreSuite
import StreamCore
import Testing

@Suite("The SQLite store against a model", .timeLimit(.minutes(10)))
struct ModelTests {
    /// Random steps, done to this store and to the memory store, must come to the same; restarts are among the steps.
    @Test("does what the memory store does, restarts included", arguments: 0..<Scale.modelSeeds)
    func sameAsMemory(seed: Int) async throws {
        var run = try await ModelRun(seed: UInt64(seed))
        for step in 0..<400 {
            do {
                try await run.step()
            } catch {
                Issue.record("seed \(seed), step \(step): \(error)")
                throw error
            }
        }
        try await run.compareEverything()
    }
}

/// One run: two stores, the same steps.
private struct ModelRun {
    private var random: SeededRandom
    private let harness: SQLiteUnderTest
    private var tested: any StreamStore
    private let model: MemoryStreamStore
    private let time = ManualTime()
    private let names = (0..<5).map { StreamName.known("s\($0)") }
    /// Offsets are minted by each store for itself: which of the model's is which of the tested one's.
    private var counterpart: [Offset: Offset] = [:]
    private var known: [Offset] = []
    private var limits: StoreLimits

    init(seed: UInt64) async throws {
        var random = SeededRandom(seed: seed)
        limits = StoreLimits(streams: 4, bytes: Bool.random(using: &random) ? 6000 : 1 << 20)
        let chunk = [1, 40, 200, 24 << 10].randomElement(using: &random) ?? 1
        let patience = [Duration.zero, .seconds(2), .seconds(30)].randomElement(using: &random) ?? .zero
        harness = SQLiteUnderTest { configuration in
            configuration.chunkBytes = chunk
            configuration.sealAfter = patience
        }
        self.random = random
        tested = try await harness.make(limits: limits, time: time)
        model = MemoryStreamStore(limits: limits, time: time)
    }

    mutating func step() async throws {
        let name = pick(names)
        // Of two streams that ended in the same millisecond either may be taken first.
        time.advance(by: .milliseconds(1))
        switch Int.random(in: 0..<100, using: &random) {
        case 0..<10: try await create(name)
        case 10..<20: try await fork(name, from: pick(names))
        case 20..<60: try await append(name)
        case 60..<64:
            let seconds = Int.random(in: 1...9, using: &random)
            let was = try await model.setLease(name, seconds: seconds)
            try expect(try await tested.setLease(name, seconds: seconds) == was, "setLease")
        case 64..<68:
            let was = try await model.remove(name, because: .deleted, born: nil)
            let is_ = try await tested.remove(name, because: .deleted, born: nil)
            try expect((was == nil) == (is_ == nil), "remove")
        case 68..<72:
            time.advance(by: .milliseconds(Int.random(in: 1...4000, using: &random)))
        case 72..<74: time.stepWall(by: Int64.random(in: -100_000...100_000, using: &random))
        case 74..<78:
            try await model.trimByAge()
            try await tested.trimByAge()
        case 78..<80:
            try await model.takeEnded(olderThan: .seconds(2), toFit: 500)
            try await tested.takeEnded(olderThan: .seconds(2), toFit: 500)
        case 80..<84:
            if let again = try await harness.reopen() { tested = again }
            // Age may have come due meanwhile for the store that looked.
            try await model.trimByAge()
            try await tested.trimByAge()
        default: try await compare(name)
        }
        try await compare(name)
    }

    func compareEverything() async throws {
        for name in names { try await pages(name, from: .start, .start) }
    }

    private mutating func pick<Element>(_ from: [Element]) -> Element {
        from[Int.random(in: 0..<from.count, using: &random)]
    }

    private mutating func body() -> EventBody {
        let size = pick([0, 1, 5, 30, 150])
        let type = Int.random(in: 0..<3, using: &random) == 0 ? "t" : nil
        return EventBody(type: type, data: (0..<size).map { _ in UInt8.random(in: 0...255, using: &random) })
    }

    private mutating func create(_ name: StreamName) async throws {
        var options = StreamOptions()
        // One type a name: what a fork may cut depends on it.
        if name == names[0] || name == names[1] { options.contentType = ContentType("application/octet-stream")! }
        switch Int.random(in: 0..<6, using: &random) {
        case 0: options.retention.events = 3
        case 1: options.retention.bytes = 100
        case 2: options.retention.seconds = 5
        case 3:
            options.leaseSeconds = 5
            options.expiry = .idle(seconds: 60)
        default: break
        }
        let events = (0..<pick([0, 0, 1, 5])).map { _ in body() }
        let end = Int.random(in: 0..<10, using: &random) == 0 ? EndRequest(.failed, detail: "d") : nil
        let request = CreateRequest(options: options, events: EventBatch(events), end: end)
        let was = await outcome { () throws(StoreError) in try await model.create(name, request) }
        let is_ = await outcome { () throws(StoreError) in try await tested.create(name, request) }
        try same(was, is_)
    }

    /// Makes a stream of what another holds up to an event, the beginning, the end or nowhere, and some way beyond.
    private mutating func fork(_ name: StreamName, from source: StreamName) async throws {
        var left = ForkRequest(source: source)
        var right = left
        switch Int.random(in: 0..<8, using: &random) {
        case 0: break
        case 1: (left.point, right.point) = (.start, .start)
        case 2:
            let (was, is_) = (try await model.info(source), try await tested.info(source))
            guard let was = was?.end, let is_ = is_?.end else { break }
            (left.point, right.point) = (.after(was.offset), .after(is_.offset))
        case 3:
            let nowhere = Offset(milliseconds: pick([1, Offset.maximumMilliseconds]), counter: 1)
            (left.point, right.point) = (.after(nowhere), .after(nowhere))
        default:
            let was = try await model.read(source, from: .start, limit: PageLimit())
            let is_ = try await tested.read(source, from: .start, limit: PageLimit())
            guard let was, let is_, let index = was.events.indices.randomElement(using: &random) else { break }
            (left.point, right.point) = (.after(was.events[index].offset), .after(is_.events[index].offset))
        }
        left.beyond = pick([0, 0, 1, 4, 29])
        right.beyond = left.beyond
        var options = StreamOptions()
        if Int.random(in: 0..<4, using: &random) == 0 { options.retention.events = 2 }
        let events = Bool.random(using: &random) ? [] : [body()]
        let was = await outcome { () throws(StoreError) in
            try await model.create(name, CreateRequest(options: options, events: EventBatch(events), fork: left))
        }
        let is_ = await outcome { () throws(StoreError) in
            try await tested.create(name, CreateRequest(options: options, events: EventBatch(events), fork: right))
        }
        try same(was, is_)
    }

    private func same(
        _ was: Result<CreateOutcome, StoreError>,
        _ is_: Result<CreateOutcome, StoreError>
    ) throws {
        switch (was, is_) {
        case (.success(.created), .success(.created)), (.success(.exists), .success(.exists)): break
        case (.success(.gone), .success(.gone)): break
        case (.success(.forkRefused(let left)), .success(.forkRefused(let right))):
            try expect(plain(left) == plain(right), "fork refused: \(left), \(right)")
        case (.success(.conflict(_, let left)), .success(.conflict(_, let right))):
            try expect(left == right, "conflict \(left), \(right)")
        case (.failure(let left), .failure(let right)): try expect(left == right, "create fails: \(left), \(right)")
        default: throw UnexpectedOutcome("create: \(was), \(is_)")
        }
    }

    private mutating func append(_ name: StreamName) async throws {
        let type = try await model.info(name)?.options.contentType ?? .eventStream
        var request = AppendRequest(
            contentType: type,
            events: EventBatch((0..<pick([1, 1, 2, 9])).map { _ in body() })
        )
        if Int.random(in: 0..<3, using: &random) == 0 {
            let sequence = UInt64.random(in: 0...4, using: &random)
            request.producer = ProducerStamp(
                id: pick(["p", "q"]),
                epoch: UInt64.random(in: 0...2, using: &random),
                sequence: sequence
            )
        }
        if Int.random(in: 0..<8, using: &random) == 0 { request.sequence = pick(["a", "b", "c"]) }
        if Int.random(in: 0..<12, using: &random) == 0 {
            request.end = EndRequest(pick(EndReason.allCases))
            if Bool.random(using: &random) { request.events = [] }
        }
        let was = await outcome { () throws(StoreError) in try await model.append(name, request) }
        let is_ = await outcome { () throws(StoreError) in try await tested.append(name, request) }
        try expect(plain(was) == plain(is_), "append: \(was), \(is_)")
    }

    private func outcome<Value>(_ body: () async throws(StoreError) -> Value) async -> Result<Value, StoreError> {
        do { return .success(try await body()) } catch { return .failure(error) }
    }

    /// An outcome without its offsets.
    private func plain(_ result: Result<AppendOutcome, StoreError>) -> String {
        switch result {
        case .success(.appended(_, let end, let producer)): "appended \(plain(end)) \(plain(producer))"
        case .success(.ended(let end, _, let producer)): "ended \(plain(end)) \(plain(producer))"
        case .success(.duplicate(_, let end, let producer)): "duplicate \(plain(end)) \(plain(producer))"
        case .success(let other): "\(other)"
        case .failure(let error): "\(error)"
        }
    }

    /// A refusal without its offset.
    private func plain(_ refusal: ForkRefusal) -> String {
        switch refusal {
        case .beyondTail: "beyond the tail"
        case .belowFloor: "below the floor"
        default: "\(refusal)"
        }
    }

    private func plain(_ end: StreamEnd?) -> String { end.map { "\($0.reason) \($0.detail ?? "")" } ?? "open" }
    private func plain(_ state: ProducerState?) -> String { state.map { "\($0.epoch).\($0.sequence)" } ?? "-" }

    private mutating func compare(_ name: StreamName) async throws {
        let isSoftDeleted = try await model.isSoftDeleted(name)
        try expect(try await tested.isSoftDeleted(name) == isSoftDeleted, "\(name) is soft-deleted or not")
        let was = try await model.info(name)
        let is_ = try await tested.info(name)
        try expect(was?.forkedFrom?.source == is_?.forkedFrom?.source, "the source of \(name)")
        try expect(was?.forkedFrom?.beyond == is_?.forkedFrom?.beyond, "how far beyond \(name) is")
        try expect(was?.options == is_?.options, "options of \(name): \(was as Any), \(is_ as Any)")
        try expect(was?.events == is_?.events && was?.bytes == is_?.bytes, "\(name) holds \(was as Any), \(is_ as Any)")
        try expect(plain(was?.end) == plain(is_?.end), "end of \(name)")
        guard let was, let is_ else { return }
        try await pages(name, from: .start, .start)
        try await pages(name, from: .now, .now)
        try await pages(name, from: .after(was.floor), .after(is_.floor))
        // Somewhere in the middle.
        guard let left = try await model.read(name, from: .start, limit: PageLimit()),
            let right = try await tested.read(name, from: .start, limit: PageLimit()), !left.events.isEmpty
        else { return }
        let index = Int.random(in: 0..<left.events.count, using: &random)
        try await pages(name, from: .after(left.events[index].offset), .after(right.events[index].offset))
        let limit = PageLimit(events: pick([1, 3, 1000]), bytes: pick([1, 50, 1 << 20]))
        try await pages(name, from: .after(left.events[index].offset), .after(right.events[index].offset), limit)
        if let (wasEnd, isEnd) = was.end.flatMap({ left in is_.end.map { (left, $0) } }) {
            try await pages(name, from: .after(wasEnd.offset), .after(isEnd.offset))
        }
        // Positions that were never given out, and ones that belong to another stream.
        known.append(right.events[index].offset)
        let stray = pick(known)
        if let page = try await tested.read(name, from: .after(stray), limit: PageLimit()) {
            let isOurs = right.events.contains { $0.offset == stray } || stray == is_.floor
            if !isOurs, stray > is_.floor { try expect(page.standing == .unknown, "a stray offset") }
        }
    }

    private func pages(
        _ name: StreamName,
        from left: ReadPosition,
        _ right: ReadPosition,
        _ limit: PageLimit = PageLimit()
    ) async throws {
        let was = try await model.read(name, from: left, limit: limit)
        let is_ = try await tested.read(name, from: right, limit: limit)
        guard let was, let is_ else { return try expect(was == nil && is_ == nil, "\(name) is there or not") }
        try expect(was.standing == is_.standing, "standing \(was.standing), \(is_.standing) from \(left)")
        let bodies = was.events.map(\.body)
        try expect(
            bodies == is_.events.map(\.body),
            "\(bodies.count), \(is_.events.count) events of \(name) from \(left)"
        )
        try expect(was.isAtTail == is_.isAtTail && was.isPastEnd == is_.isPastEnd, "at the tail")
        try expect(plain(was.end) == plain(is_.end), "the page's end")
        try expect(zip(is_.events, is_.events.dropFirst()).allSatisfy { $0.offset < $1.offset }, "order")
        try expect(is_.last == is_.events.last?.offset || is_.events.isEmpty, "last")
    }

    private func expect(_ condition: Bool, _ what: String) throws {
        if !condition { throw UnexpectedOutcome(what) }
    }
}
