import NIOCore
import StreamHTTP
import Testing

@Suite("Where a connection stands")
struct ConnectionMachineTests {
    private let start = NIODeadline.uptimeNanoseconds(1_000_000_000_000)

    @Test("a connection on which nothing was said is closed without a word")
    func idle() {
        let machine = machine()
        #expect(machine.timeout(now: start + .seconds(74)) == nil)
        #expect(machine.timeout(now: start + .seconds(75)) == .close)
    }

    @Test("a head that dribbles in is answered, however often a byte comes")
    func slowHead() {
        var machine = machine()
        for second in 0..<10 { machine.bytesArrived(1, now: start + .seconds(Int64(second))) }
        #expect(machine.timeout(now: start + .seconds(9)) == nil)
        #expect(machine.timeout(now: start + .seconds(10)) == .answer(.headTimeout))
    }

    @Test("an atomic body may be slow but not silent")
    func slowBody() {
        var machine = machine()
        machine.headArrived(.collect, hasBody: true, now: start)
        machine.bytesArrived(10, now: start + .seconds(29))
        #expect(machine.timeout(now: start + .seconds(58)) == nil)
        #expect(machine.timeout(now: start + .seconds(59)) == .answer(.bodyTimeout))
    }

    @Test("a live body may be silent for ever")
    func liveBody() {
        var machine = machine()
        machine.headArrived(.live, hasBody: true, now: start)
        #expect(machine.timeout(now: start + .hours(24)) == nil)
    }

    @Test("nothing is read while an answer is made or taken, and the next request after it")
    func oneAtATime() {
        var machine = machine()
        machine.headArrived(.none, hasBody: false, now: start)
        #expect(machine.takesParts && machine.reads)
        machine.requestComplete(now: start)
        #expect(!machine.takesParts && !machine.reads)
        machine.flushing(now: start)
        #expect(!machine.takesParts && !machine.reads)
        machine.answered(now: start)
        #expect(machine.takesParts && machine.reads)
        #expect(machine.phase == .idle)
    }

    @Test("a peer that takes nothing of its answer is closed; one that is slow is not")
    func flushing() {
        var machine = machine()
        machine.flushing(now: start)
        machine.progressed(now: start + .seconds(29))
        #expect(machine.timeout(now: start + .seconds(58)) == nil)
        #expect(machine.timeout(now: start + .seconds(59)) == .close)
    }

    @Test("after the last answer the peer is listened to for a while and for so many bytes")
    func lingering() {
        var machine = machine()
        machine.lastAnswered(now: start)
        #expect(machine.reads && !machine.takesParts)
        #expect(machine.timeout(now: start + .seconds(1)) == nil)
        #expect(machine.timeout(now: start + .seconds(2)) == .close)
        machine.bytesArrived(1000, now: start)
        #expect(machine.phase == .lingering)
        machine.bytesArrived(25, now: start)
        #expect(machine.phase == .closed)
        #expect(!machine.reads)
    }

    @Test("a request that needs no body but brings one is answered at once")
    func unwantedBody() {
        var machine = machine()
        machine.headArrived(.none, hasBody: true, now: start)
        #expect(machine.phase == .answering)
        machine = self.machine()
        machine.headArrived(.collect, hasBody: false, now: start)
        #expect(machine.phase == .bodiless)
    }

    @Test("a stream has no deadline of its own")
    func streaming() {
        var machine = machine()
        machine.streamStarted(now: start)
        #expect(machine.reads && !machine.takesParts)
        #expect(machine.timeout(now: start + .hours(24)) == nil)
    }

    private func machine() -> ConnectionMachine {
        ConnectionMachine(
            times: .init(
                header: .seconds(10),
                idle: .seconds(75),
                bodyIdle: .seconds(30),
                writeStall: .seconds(30),
                linger: .seconds(2)
            ),
            lingerBytes: 1024,
            now: start
        )
    }
}
