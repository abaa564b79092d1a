import DequeModule
import HeapModule
import StreamCore

/// The entries that one hook is yet to be told: those of a stream one after the other, those of several streams beside
/// each other, as many at a time as may be. It decides; somebody else calls.
@available(freshet 0.1, *)
struct DeliveryQueue: Sendable {
    struct Item: Sendable, Equatable {
        let number: Int64
        let stream: StreamName
        /// In milliseconds since 1970.
        var waitingSince: UInt64
        /// How many calls failed.
        var attempts = 0

        init(_ entry: OutboxEntry) {
            number = entry.number
            stream = entry.stream.name
            waitingSince = entry.waitingSince
        }
    }

    /// The entries of one stream, by their numbers.
    private struct Lane {
        var items: Deque<Item> = []
        /// The first of them is being told.
        var isRunning = false
        /// When the first is told, on the monotonic clock.
        var due = Duration.zero
    }

    private struct Later: Comparable {
        var due: Duration
        var stream: StreamName

        static func < (left: Later, right: Later) -> Bool { left.due < right.due }
        static func == (left: Later, right: Later) -> Bool { left.due == right.due }
    }

    private var lanes: [StreamName: Lane] = [:]
    private var numbers: Set<Int64> = []
    /// Streams whose first entry may be due. One that is not, or is gone, stands here for nothing.
    private var ready: Deque<StreamName> = []
    private var later = Heap<Later>()
    private(set) var running = 0
    private let mostRunning: Int
    /// Nothing is told until somebody says so.
    private(set) var isDisabled = false
    /// Nothing more is told before this moment on the monotonic clock.
    private var pause = Duration.zero

    init(mostRunning: Int) {
        self.mostRunning = mostRunning
    }

    var count: Int { numbers.count }

    func holds(_ number: Int64) -> Bool { numbers.contains(number) }

    /// Since when the entry that waits longest does, in milliseconds since 1970; nil where none waits.
    var oldest: UInt64? { lanes.values.lazy.compactMap { $0.items.first?.waitingSince }.min() }

    /// When something is due that is not yet; nil where nothing waits for time to pass.
    var due: Duration? {
        guard !isDisabled, running < mostRunning else { return nil }
        if pause > .zero, !ready.isEmpty { return pause }
        return later.min.map { max($0.due, pause) }
    }

    /// One that is there already stays as it is.
    mutating func add(_ item: Item) {
        guard numbers.insert(item.number).inserted else { return }
        var lane = lanes[item.stream] ?? Lane()
        var index = lane.items.count
        while index > (lane.isRunning ? 1 : 0), lane.items[index - 1].number > item.number { index -= 1 }
        lane.items.insert(item, at: index)
        if index == 0 {
            lane.due = .zero
            ready.append(item.stream)
        }
        lanes[item.stream] = lane
    }

    /// The same, unless it waits for longer than this one does: then somebody wants it told now.
    mutating func take(_ item: Item) {
        guard numbers.contains(item.number) else { return add(item) }
        guard var lane = lanes[item.stream], let index = lane.items.firstIndex(where: { $0.number == item.number }),
            lane.items[index].waitingSince < item.waitingSince
        else { return }
        lane.items[index].waitingSince = item.waitingSince
        lanes[item.stream] = lane
        hasten(item.stream)
    }

    /// The next to tell now: it runs until it is said what became of it.
    mutating func next(at now: Duration) -> Item? {
        guard !isDisabled, running < mostRunning, pause <= now else { return nil }
        pause = .zero
        while let first = later.min, first.due <= now {
            later.removeMin()
            ready.append(first.stream)
        }
        while let stream = ready.popFirst() {
            guard var lane = lanes[stream], !lane.isRunning, lane.due <= now, let item = lane.items.first else {
                continue
            }
            lane.isRunning = true
            lanes[stream] = lane
            running += 1
            return item
        }
        return nil
    }

    /// It was told, or is told no more.
    mutating func finished(_ item: Item) {
        guard var lane = stopped(item) else { return }
        lane.items.removeFirst()
        numbers.remove(item.number)
        put(lane, item.stream)
    }

    /// It is told again at a moment. What follows it in its stream waits for that.
    mutating func failed(_ item: Item, until due: Duration) {
        guard var lane = stopped(item) else { return }
        lane.items[0].attempts += 1
        lane.due = due
        lanes[item.stream] = lane
        later.insert(Later(due: due, stream: item.stream))
    }

    /// Nothing more is told until then, unless somebody wants it told. What runs goes on.
    mutating func pause(until due: Duration) { pause = max(pause, due) }

    /// Nothing is told any more, until `enable`. What runs goes on.
    mutating func disable(because item: Item) {
        isDisabled = true
        guard let lane = stopped(item) else { return }
        put(lane, item.stream)
    }

    /// Everything is due.
    mutating func enable() {
        isDisabled = false
        pause = .zero
        for stream in lanes.keys { hasten(stream) }
    }

    /// Makes what waits of a stream due.
    mutating func hasten(_ stream: StreamName) {
        pause = .zero
        guard let lane = lanes[stream], !lane.isRunning else { return }
        put(lane, stream)
    }

    /// Forgets an entry. False when it is being told.
    mutating func drop(_ number: Int64, of stream: StreamName) -> Bool {
        guard var lane = lanes[stream], let index = lane.items.firstIndex(where: { $0.number == number }) else {
            return true
        }
        if index == 0, lane.isRunning { return false }
        lane.items.remove(at: index)
        numbers.remove(number)
        if lane.isRunning { lanes[stream] = lane } else { put(lane, stream) }
        return true
    }

    /// What became of the first is decided.
    private mutating func stopped(_ item: Item) -> Lane? {
        guard var lane = lanes[item.stream], lane.isRunning, lane.items.first?.number == item.number else { return nil }
        lane.isRunning = false
        running -= 1
        return lane
    }

    private mutating func put(_ lane: Lane, _ stream: StreamName) {
        guard !lane.items.isEmpty else { return lanes[stream] = nil }
        var lane = lane
        lane.due = .zero
        lanes[stream] = lane
        ready.append(stream)
    }
}
