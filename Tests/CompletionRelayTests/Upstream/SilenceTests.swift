import NIOCore
import Testing

@testable import CompletionRelay

@Suite("An upstream's silence")
struct SilenceTests {
    private func silence() -> Silence {
        Silence(idle: .seconds(10), wordless: .seconds(30), wordlessBytes: 5000, now: .seconds(100))
    }

    @Test("is too long when nothing came for so long")
    func idle() {
        var silence = silence()
        #expect(silence.remaining(at: .seconds(109)) == .seconds(1))
        #expect(silence.remaining(at: .seconds(110)) == .zero)
        silence.spoke(at: .seconds(105))
        #expect(silence.remaining(at: .seconds(110)) == .seconds(5))
    }

    @Test("is too long when nothing that came said anything")
    func wordless() {
        var silence = silence()
        for second in stride(from: 105, through: 125, by: 5) {
            #expect(silence.remaining(at: .seconds(second)) > .zero)
            silence.pause(at: .seconds(second))
            silence.resume(at: .seconds(second))
        }
        #expect(silence.remaining(at: .seconds(129)) == .seconds(1))
        silence.spoke(at: .seconds(129))
        #expect(silence.remaining(at: .seconds(129)) == .seconds(10))
    }

    @Test("does not last while the upstream waits for others, however many")
    func others() {
        var silence = silence()
        silence.pause(at: .seconds(105))
        silence.pause(at: .seconds(106))
        silence.resume(at: .seconds(1000))
        #expect(silence.remaining(at: .seconds(2000)) == .seconds(10))
        silence.resume(at: .seconds(2000))
        #expect(silence.remaining(at: .seconds(2001)) == .seconds(9))
        // Five seconds without a word were before.
        silence.pause(at: .seconds(2009))
        silence.resume(at: .seconds(2009))
        #expect(silence.remaining(at: .seconds(2018)) == .seconds(1))
        silence.pause(at: .seconds(2018))
        silence.resume(at: .seconds(2018))
        #expect(silence.remaining(at: .seconds(2018)) == .seconds(7))
    }

    @Test("a word said meanwhile counts from when it was said")
    func wordMeanwhile() {
        var silence = silence()
        silence.pause(at: .seconds(105))
        silence.spoke(at: .seconds(105))
        silence.resume(at: .seconds(500))
        #expect(silence.remaining(at: .seconds(500)) == .seconds(10))
        silence.pause(at: .seconds(509))
        silence.resume(at: .seconds(509))
        #expect(silence.remaining(at: .seconds(525)) == .seconds(-6))
    }

    @Test("is not broken by a few bytes now and then, where words are not told apart")
    func bytes() {
        var silence = silence()
        silence.spoke(bytes: 1023, at: .seconds(109))
        #expect(silence.remaining(at: .seconds(110)) == .zero)
        silence.spoke(bytes: 1, at: .seconds(109))
        #expect(silence.remaining(at: .seconds(110)) == .seconds(9))
        silence.spoke(bytes: 1, at: .seconds(115))
        #expect(silence.remaining(at: .seconds(119)) == .zero)
    }

    @Test("is too long when too many bytes said nothing, whoever took how much time")
    func flood() {
        var silence = silence()
        silence.pause(at: .seconds(101))
        silence.saidNothing(bytes: 5000)
        #expect(silence.remaining(at: .seconds(101)) > .zero)
        silence.spoke(at: .seconds(101))
        silence.saidNothing(bytes: 5000)
        #expect(silence.remaining(at: .seconds(101)) > .zero)
        silence.saidNothing(bytes: 1)
        #expect(silence.remaining(at: .seconds(101)) == .zero)
        silence.resume(at: .seconds(101))
        #expect(silence.remaining(at: .seconds(101)) == .zero)
    }

    @Test("is not made of what comes slowly, however much it becomes")
    func emptyEvents() {
        var silence = silence()
        for second in 101...129 {
            silence.pause(at: .seconds(second))
            silence.saidNothing(bytes: Silence.emptyBytesPerSecond)
            silence.resume(at: .seconds(second))
            #expect(silence.remaining(at: .seconds(second)) > .zero)
        }
        #expect(silence.remaining(at: .seconds(130)) == .zero)
        silence.spoke(at: .seconds(130))
        silence.saidNothing(bytes: 5000 + Silence.emptyBytesPerSecond)
        #expect(silence.remaining(at: .milliseconds(130_999)) == .zero)
        #expect(silence.remaining(at: .seconds(131)) > .zero)
    }

    @Test("is looked at again, while the upstream waits, when what it had left may be over")
    func soon() {
        var silence = silence()
        for second in stride(from: 105, through: 125, by: 5) {
            silence.pause(at: .seconds(second))
            silence.resume(at: .seconds(second))
        }
        silence.pause(at: .seconds(129))
        #expect(silence.remaining(at: .seconds(129)) == .seconds(1))
        #expect(silence.remaining(at: .seconds(500)) == .seconds(1))
        silence.resume(at: .seconds(500))
        silence.pause(at: .seconds(501))
        #expect(silence.remaining(at: .seconds(501)) > .zero)
    }

    @Test("blanks say nothing")
    func blanks() {
        #expect(ByteBuffer(string: " \n\r\n\t").countOfSigns == 0)
        #expect(ByteBuffer(string: "\n\"é\" ").countOfSigns == 4)
    }
}
