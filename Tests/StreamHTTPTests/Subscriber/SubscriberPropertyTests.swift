import StoreSuite
import StreamCore
import StreamHTTP
import Testing

/// Random lives of a reader beside a log that is a plain array: commits, trims, lost watches, stalls and slow reads in
/// any order. What the reader gets is exactly the log after its position, or a gap and then everything that is kept.
@Suite("Any interleaving of commits, reads, trims and stalls")
struct SubscriberPropertyTests {
    @Test("loses nothing, doubles nothing, and tells every gap", arguments: 0..<8)
    func interleavings(seed: Int) {
        for run in 0..<250 {
            var life = ReaderLife(seed: UInt64(seed * 1000 + run))
            for _ in 0..<60 { life.step() }
            life.settle()
            #expect(life.faults.isEmpty, "seed \(seed), run \(run): \(life.faults)")
            #expect(life.machine.cursor == life.tail, "seed \(seed), run \(run): the reader stopped short of the tail")
        }
    }
}

/// One reader, its log, and the world between them.
private struct ReaderLife {
    private var random: SeededRandom
    /// Offsets of the log in order; those up to `floor` were trimmed.
    private var log: [Int] = []
    private var floor = 0
    private var next = 1
    /// What the reader has: its position, as far as it was told.
    private var position = 0
    private(set) var faults: [String] = []

    private(set) var machine = SubscriberMachine(at: Offset(0))
    private var takesMore = true
    private var isFollowed = false
    private var pendingRead: ReadPosition?
    /// The read's page is fixed before it arrives.
    private var page: (events: [Int], isGap: Bool, isAtTail: Bool)?
    private var mail: [Mail] = []

    private enum Mail {
        case ready, broken, trimmed(Int), committed([Int])
    }

    init(seed: UInt64) { random = SeededRandom(seed: seed) }

    var tail: Offset { Offset(log.last ?? floor) }

    mutating func step() {
        switch Int.random(in: 0..<12, using: &random) {
        case 0...3: commit()
        case 4: trim()
        case 5: if isFollowed { lose() } else { follow() }
        case 6: follow()
        case 7: turn(takesMore: !takesMore)
        case 8, 9: deliverMail()
        case 10: fixPage()
        default: finishRead()
        }
    }

    /// Everything that is under way comes to rest.
    mutating func settle() {
        follow()
        turn(takesMore: true)
        for _ in 0..<200 {
            deliverMail()
            fixPage()
            finishRead()
            turn(takesMore: true)
        }
    }

    private mutating func commit() {
        // One batch may hold several commits, each of several events.
        var boundaries = [log.last ?? floor]
        for _ in 0..<Int.random(in: 1...3, using: &random) {
            for _ in 0..<Int.random(in: 1...2, using: &random) {
                log.append(next)
                next += 1
            }
            boundaries.append(next - 1)
        }
        if isFollowed { mail.append(.committed(boundaries)) }
    }

    private mutating func trim() {
        guard log.count > 1 else { return }
        let taken = Int.random(in: 1..<log.count, using: &random)
        floor = log[taken - 1]
        log.removeFirst(taken)
        if isFollowed { mail.append(.trimmed(floor)) }
    }

    private mutating func follow() {
        guard !isFollowed else { return }
        isFollowed = true
        mail.append(.ready)
    }

    private mutating func lose() {
        isFollowed = false
        mail.append(.broken)
    }

    private mutating func turn(takesMore: Bool) {
        guard takesMore != self.takesMore else { return }
        self.takesMore = takesMore
        if takesMore { perform(machine.becameWritable()) } else { machine.becameUnwritable() }
    }

    private mutating func deliverMail() {
        guard !mail.isEmpty else { return }
        switch mail.removeFirst() {
        case .ready: perform(machine.ready(takesMore: takesMore))
        case .broken: machine.broken()
        case .trimmed(let floor): perform(machine.trimmed(floor: Offset(floor)))
        case .committed(let boundaries):
            switch machine.committed(boundaries.map { Offset($0) }) {
            case .ignore: break
            case .read(let position): perform(.read(position))
            case .deliver(let index): receive(Array((boundaries[index] + 1)...boundaries[boundaries.count - 1]))
            }
        }
    }

    private mutating func perform(_ step: SubscriberMachine.Step) {
        guard case .read(let position) = step else { return }
        if pendingRead != nil { faults.append("a second read while one is on its way") }
        pendingRead = position
        page = nil
    }

    /// The store answers; the response is still under way.
    private mutating func fixPage() {
        guard let pendingRead, page == nil, case .after(let offset) = pendingRead else { return }
        let after = Int(offset.counter)
        let events = log.filter { $0 > max(after, floor) }.prefix(3)
        page = (Array(events), after < floor, events.last ?? max(after, floor) == log.last ?? floor)
    }

    private mutating func finishRead() {
        guard pendingRead != nil, let page else { return }
        pendingRead = nil
        self.page = nil
        if page.isGap {
            // The reader starts anew, at the first event of the page.
            position = page.events.first.map { $0 - 1 } ?? next - 1
        }
        receive(page.events)
        let step = machine.read(last: Offset(position), isAtTail: page.isAtTail, takesMore: takesMore)
        perform(step)
    }

    private mutating func receive(_ events: [Int]) {
        for event in events {
            if event != position + 1 { faults.append("\(event) came after \(position)") }
            position = event
        }
    }
}
