import Locks
import Testing

@testable import StreamHTTP

@Suite("The budget of what is in flight")
struct InflightBudgetTests {
    private final class Holder {}

    /// Who gave way, in order.
    private final class Left: Sendable {
        let names = Mutex<[String]>([])
    }

    private final class Scene {
        let budget: InflightBudget
        let left = Left()
        private var holders: [String: Holder] = [:]

        init(limit: Int) { budget = InflightBudget(limit: limit) }

        func hold(
            _ name: String,
            _ kilobytes: Int,
            _ kind: InflightBudget.Kind,
            from address: String = "a",
            isTaken: Bool = false,
            stays: Bool = false
        ) {
            let holder = holders[name] ?? Holder()
            holders[name] = holder
            budget.hold(kilobytes << 10, kind, for: holder, from: address, isTaken: isTaken, stays: stays) { [left] in
                left.names.withLock { $0.append(name) }
            }
        }

        func release(_ name: String) { if let holder = holders[name] { budget.release(holder) } }

        var gaveWay: [String] { left.names.withLock(\.self) }
    }

    @Test("bodies that are not complete take half, and the largest gives way to whoever comes")
    func bodies() {
        let scene = Scene(limit: 2000 << 10)
        scene.hold("large", 600, .body)
        scene.hold("small", 400, .body)
        #expect(scene.gaveWay.isEmpty)
        scene.hold("tiny", 1, .body)
        #expect(scene.gaveWay == ["large"])
        #expect(scene.budget.usage[.body] == (401 << 10, 1))
        // Whoever asks for more than all others is the one.
        scene.hold("small", 1001, .body)
        #expect(scene.gaveWay == ["large", "small"])
    }

    @Test("readers find room beside bodies, and what is being appended gives way to nobody")
    func kinds() {
        let scene = Scene(limit: 1000 << 10)
        scene.hold("body", 500, .body)
        scene.hold("reader", 300, .output)
        scene.hold("appended", 200, .work)
        #expect(scene.gaveWay.isEmpty)
        scene.hold("other", 10, .output)
        #expect(scene.gaveWay == ["body"])
        scene.hold("appended", 700, .work)
        #expect(scene.gaveWay == ["body", "reader"])
        scene.hold("appended", 2000, .work)
        #expect(scene.gaveWay == ["body", "reader", "other"])
        #expect(scene.budget.usage.total == 2000 << 10)
    }

    @Test("what calls keep takes half, and gives way to nobody")
    func claims() throws {
        let scene = Scene(limit: 1000 << 10)
        scene.hold("body", 300, .body)
        scene.hold("reader", 200, .output)
        var claim = InflightClaim(400 << 10, in: scene.budget, from: "a")
        #expect(claim != nil && scene.gaveWay.isEmpty)
        #expect(scene.budget.usage.total == 900 << 10)
        // There is no room for it, whatever else there is.
        #expect(InflightClaim(101 << 10, in: scene.budget, from: "b") == nil)
        #expect(scene.budget.usage[.work] == (400 << 10, 1) && scene.gaveWay.isEmpty)
        // What is little needs none.
        #expect(InflightClaim(1023, in: scene.budget, from: "b") != nil)
        scene.hold("other", 150, .output)
        #expect(scene.gaveWay == ["body"])
        claim = nil
        #expect(scene.budget.usage[.work].bytes == 0)
        let second = InflightClaim(500 << 10, in: scene.budget, from: "b")
        #expect(second != nil && scene.gaveWay == ["body"])
        let full = InflightClaim(1 << 10, in: scene.budget, from: "b")
        #expect(full == nil)
        withExtendedLifetime(second) {}
    }

    @Test("of requests that hold about the same, one from the address that holds most gives way")
    func addresses() {
        let scene = Scene(limit: 2000 << 10)
        scene.hold("one", 330, .body, from: "many")
        scene.hold("two", 325, .body, from: "many")
        scene.hold("alone", 340, .body, from: "alone")
        scene.hold("new", 100, .body, from: "new")
        #expect(scene.gaveWay == ["one"])
        // Per request first: an address with more in all does not pay for another's large request.
        scene.hold("alone", 700, .body, from: "alone")
        #expect(scene.gaveWay == ["one", "alone"])
    }

    @Test("of requests that are alike the one for which nothing has moved for longest gives way")
    func stalled() {
        let scene = Scene(limit: 1000 << 10)
        for name in ["first", "second", "third"] { scene.hold(name, 300, .output) }
        scene.hold("first", 290, .output)
        // It holds most, if not by much, and is the last to come.
        scene.hold("new", 400, .output)
        #expect(scene.gaveWay == ["second"])
    }

    @Test("a reader that takes is spared for others that have been still for longer, though it holds more")
    func takes() {
        let scene = Scene(limit: 1200 << 10)
        scene.hold("large", 300, .output)
        scene.hold("still", 150, .output)
        // Between two pages it holds both.
        scene.hold("reader", 700, .output, isTaken: true)
        for number in 0..<6 { scene.hold("small \(number)", 10, .output) }
        #expect(scene.gaveWay == ["large"])
        for number in 6..<36 { scene.hold("small \(number)", 10, .output) }
        #expect(scene.gaveWay == ["large", "still"])
        // What is small makes no room for it: it is asked itself, and says whether it takes.
        for number in 36..<52 { scene.hold("small \(number)", 10, .output) }
        #expect(scene.gaveWay == ["large", "still", "reader"])
    }

    @Test("a reader that took once, and has been still for longest, is not spared for any that comes or takes")
    func tookOnce() {
        let scene = Scene(limit: 2000 << 10)
        scene.hold("took once", 900, .output, isTaken: true)
        scene.hold("new", 500, .output)
        scene.hold("reader", 260, .output, isTaken: true)
        scene.hold("body", 360, .body)
        #expect(scene.gaveWay == ["took once"])
        // Of those that take, whoever took last is the last.
        scene.hold("second", 800, .output, isTaken: true)
        scene.hold("new", 510, .output, isTaken: true)
        scene.hold("other", 80, .output)
        #expect(scene.gaveWay == ["took once", "reader"])
    }

    @Test("a reader that takes is the first again when it stops, and others have moved since")
    func stops() {
        let scene = Scene(limit: 1000 << 10)
        scene.hold("one", 300, .output)
        scene.hold("reader", 600, .output, isTaken: true)
        scene.hold("one", 290, .output)
        scene.hold("new", 150, .output)
        #expect(scene.gaveWay == ["reader"])
        // It takes, and says so.
        scene.hold("reader", 590, .output, isTaken: true, stays: true)
        #expect(scene.gaveWay == ["reader", "one"])
        scene.hold("other", 300, .output)
        #expect(scene.gaveWay == ["reader", "one", "new"])
    }

    @Test("a reader that stays is not asked again at once: others give way, however little they hold")
    func stays() {
        let scene = Scene(limit: 1000 << 10)
        scene.hold("first", 100, .output)
        scene.hold("reader", 850, .output)
        scene.hold("second", 100, .output)
        #expect(scene.gaveWay == ["reader"])
        scene.hold("reader", 850, .output, stays: true)
        #expect(scene.gaveWay == ["reader", "first"])
        // It counts no more among those that gave way.
        #expect(scene.budget.usage[.output] == (950 << 10, 1))
        // Alone it is more than there is room for, until somebody else asks.
        scene.hold("reader", 1100, .output, stays: true)
        #expect(scene.gaveWay == ["reader", "first", "second"])
        scene.hold("third", 10, .output)
        #expect(scene.gaveWay == ["reader", "first", "second", "reader"])
    }

    @Test("what is released, or gave way, is room again")
    func room() {
        let scene = Scene(limit: 200 << 10)
        for number in 0..<50 {
            scene.hold("\(number)", 90, .body)
            scene.release("\(number)")
        }
        #expect(scene.gaveWay.isEmpty && scene.budget.usage.total == 0)
        for number in 0..<50 { scene.hold("\(number)", 90, .body) }
        #expect(scene.gaveWay.count == 49 && scene.budget.usage.total == 90 << 10)
    }

    @Test("it is crowded until those who give way have let go of what they hold")
    func crowded() {
        let scene = Scene(limit: 1000 << 10)
        let told = Mutex(0)
        scene.hold("first", 600, .output)
        scene.hold("second", 500, .output)
        #expect(scene.gaveWay == ["first"] && scene.budget.usage.total == 500 << 10)
        #expect(scene.budget.isCrowded)
        scene.budget.whenNotCrowded { told.withLock { $0 += 1 } }
        scene.hold("second", 450, .output)
        #expect(told.withLock(\.self) == 0)
        scene.release("first")
        #expect(!scene.budget.isCrowded && told.withLock(\.self) == 1)
        scene.budget.whenNotCrowded { told.withLock { $0 += 1 } }
        #expect(told.withLock(\.self) == 2)
    }
}
