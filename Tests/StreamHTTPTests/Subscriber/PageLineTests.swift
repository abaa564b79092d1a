import NIOCore
import NIOEmbedded
import StreamCore
import Testing

@testable import StreamHTTP

@Suite("The pages of the readers on one loop")
struct PageLineTests {
    private final class Scene {
        let loop = EmbeddedEventLoop()
        let budget = InflightBudget(limit: 1 << 20)
        var time = NIODeadline.uptimeNanoseconds(1_000_000_000)
        private(set) var line: PageLine!
        /// Whose turn it has become, in order.
        var begun: [Int] = []
        var turns: [PageLine.Turn] = []

        init() {
            line = PageLine(eventLoop: loop, budget: budget, now: { [unowned self] in time })
        }

        /// A reader whose page takes a while to come.
        func ask(_ number: Int) {
            line.take { [self] turn in
                begun.append(number)
                turns.append(turn)
            }
        }

        /// A reader whose page is there at once, and costs so much to write.
        func askAndWrite(_ number: Int, cost: TimeAmount) {
            line.take { [self] turn in
                begun.append(number)
                time = time + cost
                turn.end()
            }
        }
    }

    private final class Holder {}

    @Test("so many turns are under way at most, and who asks first is first")
    func width() {
        let scene = Scene()
        for number in 0..<PageLine.width + 3 { scene.ask(number) }
        #expect(scene.begun == Array(0..<PageLine.width))
        scene.turns[1].end()
        #expect(scene.begun == Array(0...PageLine.width))
        scene.turns[0].end()
        scene.turns[2].end()
        #expect(scene.begun == Array(0..<PageLine.width + 3))
    }

    @Test("what is being read counts as in flight, and no longer than it takes")
    func counts() {
        let scene = Scene()
        scene.ask(0)
        #expect(scene.budget.usage[.work].bytes == PageLimit().bytes)
        scene.turns[0].came(200 << 10)
        #expect(scene.budget.usage[.work].bytes == 400 << 10)
        scene.turns[0].end()
        #expect(scene.budget.usage.total == 0)
    }

    @Test("after a while of pages the loop goes around before the next")
    func rests() {
        let scene = Scene()
        for number in 0..<4 { scene.askAndWrite(number, cost: .microseconds(600)) }
        #expect(scene.begun == [0, 1])
        // What is only executed comes before the sockets' turn, and the line must not.
        scene.loop.run()
        #expect(scene.begun == [0, 1])
        scene.loop.advanceTime(by: .microseconds(150))
        #expect(scene.begun == [0, 1, 2, 3])
    }

    @Test("a page asked for within a turn comes after those of others")
    func goesOn() {
        let scene = Scene()
        scene.line.take { turn in
            scene.begun.append(0)
            scene.askAndWrite(1, cost: .zero)
            scene.askAndWrite(2, cost: .zero)
            scene.begun.append(10)
            turn.end()
        }
        #expect(scene.begun == [0, 10, 1, 2])
    }

    @Test("a turn waits until those who give way for it have let go, and not for ever")
    func waits() {
        let scene = Scene()
        let (first, second) = (Holder(), Holder())
        scene.budget.hold(1000 << 10, .output, for: first, from: "a") {}
        scene.ask(0)
        #expect(scene.budget.usage[.output].gaveWay == 1)
        #expect(scene.begun.isEmpty)
        scene.budget.release(first)
        scene.loop.run()
        #expect(scene.begun == [0])
        scene.turns[0].end()
        scene.budget.hold(1000 << 10, .output, for: second, from: "a") {}
        scene.ask(1)
        scene.loop.run()
        #expect(scene.begun == [0])
        scene.loop.advanceTime(by: PageLine.patience)
        #expect(scene.begun == [0, 1])
    }
}
