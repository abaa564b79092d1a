import Testing

@testable import StreamHTTP

@Suite("What a connection has written and its peer has not taken")
struct UnsentOutputTests {
    @Test("what the kernel takes at once says nothing of the peer, however often")
    func kernel() {
        var output = UnsentOutput()
        for taken: UInt64 in [900_000, 1_900_000, 2_900_000] {
            output.add(1 << 20, behind: 0, taken: taken)
            #expect(output.bytes == 1 << 20)
            output.note(taken: taken + 1000)
        }
        let isBeingRead = output.isBeingRead()
        #expect(!output.isTaken && !isBeingRead)
    }

    @Test("a peer that takes of what waits takes, also behind a page before which nothing waited")
    func peer() {
        var output = UnsentOutput()
        output.add(1 << 20, behind: 0, taken: 900_000)
        output.note(taken: 920_000)
        #expect(output.isTaken)
        output.clear()
        output.add(1 << 20, behind: 0, taken: 2_000_000)
        // It has to take more until it is asked again, and is one that takes for the others meanwhile.
        var answers = [output.isBeingRead(), output.isBeingRead()]
        #expect(output.isTaken)
        for taken: UInt64 in [2_010_000, 2_020_000] {
            output.note(taken: taken)
            answers.append(output.isBeingRead())
        }
        #expect(answers == [true, false, false, true])
    }

    @Test("something has moved when it was taken, or written, and once")
    func moves() {
        var output = UnsentOutput()
        output.add(100_000, behind: 0, taken: 10)
        var answers = [output.hasMovedAgain(), output.hasMovedAgain()]
        for taken: UInt64 in [10, 11] {
            output.note(taken: taken)
            answers += [output.hasMovedAgain(), output.hasMovedAgain()]
        }
        #expect(answers == [true, false, false, false, true, false])
    }

    @Test("of two buffers it holds both until the first is taken")
    func twoBuffers() {
        var output = UnsentOutput()
        output.add(1000, behind: 0, taken: 0)
        output.add(500, behind: 10, taken: 990)
        #expect(output.bytes == 1500)
        output.add(500, behind: 400, taken: 1100)
        #expect(output.bytes == 1000)
        output.clear()
        let isBeingRead = output.isBeingRead()
        #expect(output.bytes == 0 && isBeingRead)
    }
}
