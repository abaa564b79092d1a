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
        var rounds: [[Offset]] = []
        var said: [String] = []
        private let cost: () -> Void

        init(_ name: StreamName, cost: @escaping () -> Void) {
            self.name = name
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
}
