import NIOCore
import NIOEmbedded
import StreamCore
import Testing

@testable import StreamHTTP

@Suite("The readers of one stream on one loop")
struct StreamGroupTests {
    /// Notes what it is handed, and takes its time.
    private final class Reader: TailReader {
        func count(into metrics: inout DataPlaneMetrics) { metrics.readers[.sse, default: 0] += 1 }
        func standing(at now: NIODeadline) -> ReaderStanding {
            ReaderStanding(form: .sse, address: "", state: .following, position: nil, events: 0, age: .zero)
        }
        let name: StreamName
        var index = 0
        let holdsItsOwnBytes: Bool
        var rounds: [[Offset]] = []
        var said: [String] = []
        private let cost: () -> Void

        init(_ name: StreamName, holdsItsOwnBytes: Bool = false, cost: @escaping () -> Void = {}) {
            self.name = name
            self.holdsItsOwnBytes = holdsItsOwnBytes
            self.cost = cost
        }

        func ready() { said.append("ready") }
        func created() { said.append("created") }
        func broken() { said.append("broken") }
        func trimmed(floor: Offset) { said.append("trimmed") }
        func removed(_ removal: Removal) { said.append("removed after \(rounds.count)") }
        func committed(_ batch: TailBatch) {
            rounds.append(batch.items.map(\.last))
            cost()
        }
    }

    private final class Scene {
        let loop = EmbeddedEventLoop()
        var time = NIODeadline.uptimeNanoseconds(1_000_000_000)
        var cost = TimeAmount.zero
        private(set) var group: StreamGroup!
        private(set) var reader: Reader!
        private(set) var lags: [TimeAmount] = []

        init() throws {
            let name = try StreamName("a")
            loop.advanceTime(to: time)
            group = StreamGroup(
                name: name,
                eventLoop: loop,
                now: { [unowned self] in time },
                delivered: { [unowned self] in lags.append($0) }
            )
            reader = Reader(name) { [unowned self] in time = time + cost }
            group.add(reader)
        }

        /// - Parameter age: how long ago they became visible.
        func commit(_ numbers: ClosedRange<Int>, end: Bool = false, age: TimeAmount = .zero) {
            group.committed(
                numbers.map { number in
                    CommittedItem(
                        previous: Offset(number),
                        events: [StreamEvent(number + 1, "x")],
                        end: end && number == numbers.upperBound
                            ? StreamEnd(reason: .done, detail: nil, offset: Offset(number + 2)) : nil
                    )
                },
                since: time - age
            )
        }

        func pass(_ amount: TimeAmount) {
            time = time + amount
            loop.advanceTime(to: time)
        }

        var rounds: [Int] { reader.rounds.map(\.count) }
    }

    @Test func `the lag of what is delivered counts from the oldest of it, through the wait and the writing`() throws {
        let scene = try Scene()
        scene.cost = .milliseconds(1)
        scene.commit(1...1, age: .microseconds(300))
        #expect(scene.lags == [.microseconds(1300)])
        // The readers rest for as long as that round took: the first waits for all of it, the second for a part.
        scene.commit(2...2)
        scene.pass(.microseconds(600))
        scene.commit(3...3)
        scene.pass(.microseconds(400))
        #expect(scene.rounds == [1, 2])
        #expect(scene.lags == [.microseconds(1300), .milliseconds(2)])
    }

    @Test func `a stream that rests is delivered at once`() throws {
        let scene = try Scene()
        scene.cost = .milliseconds(1)
        scene.commit(1...1)
        #expect(scene.rounds == [1])
        scene.pass(.milliseconds(2))
        scene.commit(2...2)
        #expect(scene.rounds == [1, 1])
    }

    @Test func `what comes right after a long round waits as long as that took, and goes out as one`() throws {
        let scene = try Scene()
        scene.cost = .milliseconds(1)
        scene.commit(1...1)
        scene.commit(2...2)
        scene.pass(.microseconds(500))
        scene.commit(3...4)
        #expect(scene.rounds == [1])
        scene.pass(.microseconds(499))
        #expect(scene.rounds == [1])
        scene.pass(.microseconds(1))
        #expect(scene.rounds == [1, 3])
    }

    @Test func `nothing waits longer than 2 ms, however long a round takes`() throws {
        let scene = try Scene()
        scene.cost = .seconds(1)
        scene.commit(1...1)
        scene.commit(2...2)
        scene.pass(.milliseconds(2))
        #expect(scene.rounds == [1, 1])
    }

    @Test func `a short round is no reason to wait`() throws {
        let scene = try Scene()
        scene.cost = .microseconds(199)
        for number in 1...5 { scene.commit(number...number) }
        #expect(scene.rounds == [1, 1, 1, 1, 1])
    }

    @Test func `an end waits for nobody, and takes along what waits`() throws {
        let scene = try Scene()
        scene.cost = .milliseconds(1)
        scene.commit(1...1)
        scene.commit(2...2)
        scene.commit(3...3, end: true)
        #expect(scene.rounds == [1, 2])
        scene.pass(.milliseconds(5))
        #expect(scene.rounds == [1, 2])
    }

    @Test func `what else happens comes after what was committed before it`() throws {
        let scene = try Scene()
        scene.cost = .milliseconds(1)
        scene.commit(1...1)
        scene.commit(2...2)
        scene.group.signal(.removed(.deleted))
        #expect(scene.reader.said == ["removed after 2"])
    }

    @Test func `retention that takes what everybody has is no news, and holds nothing up`() throws {
        let scene = try Scene()
        scene.cost = .milliseconds(1)
        scene.commit(1...1)
        scene.group.signal(.trimmed(floor: Offset(2)))
        scene.commit(2...2)
        scene.group.signal(.trimmed(floor: Offset(2)))
        #expect(scene.rounds == [1])
        #expect(scene.reader.said.isEmpty)
        scene.group.signal(.trimmed(floor: Offset(9)))
        #expect(scene.rounds == [1, 1])
        #expect(scene.reader.said == ["trimmed"])
    }

    @Test func `items that do not follow what waits go out apart`() throws {
        let scene = try Scene()
        scene.cost = .milliseconds(1)
        scene.commit(1...1)
        scene.commit(2...2)
        scene.commit(7...7)
        #expect(scene.rounds == [1, 1, 1])
    }

    // MARK: Turns

    /// Readers that hold their own bytes, and one that does not, of a stream whose events have 1 MiB. A batch is large
    /// where it takes more than 2 MiB for the former.
    private final class Turns {
        private(set) var group: StreamGroup!
        let alone: [Reader]
        let sharing: Reader
        private(set) var lags = 0
        private var line: [() -> Void] = []
        private let text = String(repeating: "x", count: 1024 * 1024)

        init(alone count: Int = 3) throws {
            let name = try StreamName("a")
            alone = (0..<count).map { _ in Reader(name, holdsItsOwnBytes: true) }
            sharing = Reader(name)
            group = StreamGroup(
                name: name,
                eventLoop: EmbeddedEventLoop(),
                largeBytes: 2 * 1024 * 1024,
                inTurn: { [unowned self] in line.append($0) },
                now: { .uptimeNanoseconds(1) },
                delivered: { [unowned self] _ in lags += 1 }
            )
            for reader in alone { group.add(reader) }
            group.add(sharing)
        }

        func commit(_ number: Int, previous: Int? = nil, end: Bool = false) {
            let item = CommittedItem(
                previous: Offset(previous ?? number),
                events: [StreamEvent(number + 1, text)],
                end: end ? StreamEnd(reason: .done, detail: nil, offset: Offset(number + 2)) : nil
            )
            group.committed([item], since: .uptimeNanoseconds(1))
        }

        /// Others had their turn. False when nobody waits for one.
        @discardableResult
        func turn() -> Bool {
            guard !line.isEmpty else { return false }
            line.removeFirst()()
            return true
        }

        /// How many events each reader was handed, in the order in which they came; the one that shares is last.
        var handed: [[Int]] { (alone + [sharing]).map { $0.rounds.map(\.count) } }
    }

    @Test func `what would take too much for all at once is handed on in turns, to whoever shares bytes at once`()
        throws
    {
        let scene = try Turns()
        scene.commit(1)
        #expect(scene.handed == [[], [], [], [1]])
        scene.turn()
        #expect(scene.handed == [[1], [], [], [1]])
        scene.turn()
        #expect(scene.lags == 0)
        scene.turn()
        #expect(scene.handed == [[1], [1], [1], [1]])
        #expect(scene.lags == 1)
        #expect(!scene.turn())
    }

    @Test func `what is just small enough, or shared by all, goes out at once`() throws {
        let scene = try Turns(alone: 2)
        scene.commit(1)
        #expect(scene.handed == [[1], [1], [1]])
        #expect(!scene.turn())
        let shared = try Turns(alone: 0)
        for _ in 0..<9 { shared.group.add(Reader(shared.sharing.name)) }
        shared.commit(1)
        #expect(shared.handed == [[1]])
        #expect(!shared.turn())
    }

    @Test func `what is committed meanwhile follows, in order, and so does the end`() throws {
        let scene = try Turns()
        scene.commit(1)
        scene.turn()
        scene.commit(2, end: true)
        #expect(scene.handed == [[1], [], [], [1]])
        while scene.turn() {}
        #expect(scene.handed == [[1, 1], [1, 1], [1, 1], [1, 1]])
        #expect(scene.alone.allSatisfy { $0.rounds == [[Offset(2)], [Offset(3)]] })
    }

    @Test func `of more than is held meanwhile only the last is handed on, so that readers see what they lack`() throws
    {
        let scene = try Turns()
        for number in 1...5 { scene.commit(number) }
        while scene.turn() {}
        #expect(scene.alone.allSatisfy { $0.rounds == [[Offset(2)], [Offset(5), Offset(6)]] })
        #expect(scene.sharing.rounds == [[Offset(2)], [Offset(5), Offset(6)]])
    }

    @Test func `retention takes nothing from whoever waits for a turn`() throws {
        let scene = try Turns()
        scene.commit(1)
        scene.turn()
        scene.group.signal(.trimmed(floor: Offset(2)))
        scene.commit(2)
        scene.group.signal(.trimmed(floor: Offset(3)))
        while scene.turn() {}
        #expect((scene.alone + [scene.sharing]).allSatisfy { $0.said.isEmpty })
        #expect(scene.handed == [[1, 1], [1, 1], [1, 1], [1, 1]])
    }

    @Test(arguments: [StreamSignal.removed(.deleted), .broken, .trimmed(floor: Offset(9))])
    func `what makes readers read the log ends the turns`(signal: StreamSignal) throws {
        let scene = try Turns()
        scene.commit(1)
        scene.turn()
        scene.commit(2)
        scene.group.signal(signal)
        #expect((scene.alone + [scene.sharing]).allSatisfy { $0.said.count == 1 })
        while scene.turn() {}
        #expect(scene.handed == [[1], [], [], [1]])
        // And what comes then begins anew.
        scene.commit(3)
        while scene.turn() {}
        #expect(scene.handed == [[1, 1], [1], [1], [1, 1]])
    }

    @Test func `what does not follow the batch that has its turns is told at once`() throws {
        let scene = try Turns()
        scene.commit(1)
        scene.turn()
        scene.commit(8)
        while scene.turn() {}
        #expect(scene.alone.map(\.rounds) == [[[Offset(2)], [Offset(9)]], [[Offset(9)]], [[Offset(9)]]])
    }

    @Test func `a group that is gone hands on nothing, and turns keep nobody alive`() throws {
        var scene: Turns? = try Turns()
        weak let reader = scene?.alone[2]
        scene?.commit(1)
        #expect(reader != nil)
        scene = nil
        #expect(reader == nil)
    }
}
