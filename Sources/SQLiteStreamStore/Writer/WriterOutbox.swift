import StreamCore

/// What the writer knows of the outbox. Belongs to the writer's thread.
@available(freshet 0.1, *)
struct WriterOutbox {
    /// The rows as committed, by their numbers.
    private(set) var rows: [Int64: OutboxStanding]
    private(set) var usage: OutboxUsage
    /// What the commit that is being put together makes of them; nil is gone.
    private var next: [Int64: OutboxStanding?] = [:]
    private var nextUsage: OutboxUsage
    private var added: [OutboxEntry] = []
    /// Entries that were kept, and that nobody has been told of yet.
    private var untold: [OutboxEntry] = []

    init(_ rows: [Int64: OutboxStanding]) {
        self.rows = rows
        usage = OutboxUsage()
        usage.entries = rows.count
        usage.bytes = rows.values.reduce(0) { $0 + $1.cost }
        usage.failed = rows.values.count(where: \.hasFailed)
        nextUsage = usage
    }

    /// What is counted with what the commit adds.
    var bytes: Int { nextUsage.bytes }

    subscript(number: Int64) -> OutboxStanding? { next[number] ?? rows[number] }

    /// Begins another commit.
    mutating func begin() {
        next = [:]
        added = []
        nextUsage = usage
    }

    mutating func add(_ entry: OutboxEntry, sum: UInt32) {
        next[entry.number] = OutboxStanding(entry, sum: sum)
        added.append(entry)
        nextUsage.add(entry)
    }

    mutating func replace(_ number: Int64, with standing: OutboxStanding?) {
        guard let before = self[number] else { return }
        next[number] = .some(standing)
        nextUsage.failed += (standing?.hasFailed == true ? 1 : 0) - (before.hasFailed ? 1 : 0)
        guard standing == nil else { return }
        nextUsage.entries -= 1
        nextUsage.bytes -= before.cost
    }

    /// The commit was kept.
    mutating func keep() {
        for (number, standing) in next { rows[number] = standing }
        untold += added
        usage = nextUsage
        begin()
    }

    mutating func takeUntold() -> [OutboxEntry] {
        defer { untold = [] }
        return untold
    }
}

/// An end or an expiry that somebody is to be told of, while a commit is put together.
@available(freshet 0.1, *)
struct OutboxNote {
    var occasion: OutboxEntry.Occasion
    var stream: WriterStream
    /// As the commit leaves it, or finds it where it takes it away.
    var info: StreamInfo
    var receivers: [String]
    var trace: String?
    /// How many of the commit's effects come before.
    var effects: Int
    /// There is room on the disk for the events.
    var hasRoom: Bool
}
