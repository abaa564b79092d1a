import EventSource
import Testing

@testable import DurableStream

private typealias Machine = ProducerMachine<SystemRandomNumberGenerator>

private func makeMachine(_ change: (inout Machine.Settings) -> Void = { _ in }) -> Machine {
    var settings = Machine.Settings(contentType: "text/plain", end: EventSource.End(reason: .done))
    change(&settings)
    return Machine(settings: settings, random: SystemRandomNumberGenerator())
}

private func text(_ text: String) -> [UInt8] { Array(text.utf8) }

private func ok(_ status: Int) -> StreamResponse {
    StreamResponse(status: status, headers: ["Stream-Next-Offset": "1"])
}

/// What the protocol has beside what Freshet says, and what others than Freshet say.
@Suite struct OtherServersTests {
    @Test func `A newer epoch fences the producer, whatever it sends`() {
        let fenced = StreamResponse(status: 403, headers: ["Producer-Epoch": "7"], body: text("Fenced."))
        var machine = makeMachine()
        _ = machine.start(at: .zero)
        _ = machine.received(text("a"), at: .zero)
        _ = machine.answered(ok(201), at: .zero)
        var ending = machine
        let action = machine.answered(fenced, at: .zero)
        #expect(action == .finish(.fenced("Fenced. (403)", epoch: 7)))
        _ = ending.answered(ok(200), at: .zero)
        _ = ending.inputEnded(at: .zero)
        let end = ending.answered(fenced, at: .zero)
        #expect(end == .finish(.fenced("Fenced. (403)", epoch: 7)))
        // That nobody may create it says nothing of epochs.
        var creating = makeMachine()
        _ = creating.start(at: .zero)
        let refused = creating.answered(StreamResponse(status: 403), at: .zero)
        #expect(refused == .finish(.refused("the server answered 403")))
    }

    @Test func `A number that was used before is another's, unless it may be this one's own`() {
        for (isSoleOwner, isRepeated) in [(true, false), (false, true), (false, false)] {
            var machine = makeMachine { $0.isSoleOwner = isSoleOwner }
            _ = machine.start(at: .zero)
            _ = machine.received(text("a"), at: .zero)
            _ = machine.answered(ok(201), at: .zero)
            if isRepeated {
                _ = machine.failed("cut", at: .zero)
                _ = machine.timer(at: .seconds(1))
            }
            let action = machine.answered(ok(204), at: .seconds(1))
            if isSoleOwner || isRepeated {
                #expect(action == .nothing)
                #expect(machine.acknowledgedAppends == 1)
            } else {
                guard case .finish(.fenced(_, epoch: nil)) = action else {
                    Issue.record("not fenced: \(action)")
                    return
                }
            }
        }
    }

    @Test(arguments: [400, 405, 415, 501])
    func `A server that knows no leases is asked once to renew one`(status: Int) {
        var machine = makeMachine { $0.leaseSeconds = 60 }
        _ = machine.start(at: .zero)
        _ = machine.answered(ok(201), at: .zero)
        let renewal = machine.timer(at: .seconds(5))
        #expect(renewal == .send(.renewLease))
        let action = machine.answered(StreamResponse(status: status), at: .seconds(5))
        #expect(action == .nothing)
        _ = machine.received(text("a"), at: .seconds(60))
        let next = machine.answered(ok(200), at: .seconds(60))
        #expect(next == .nothing)
    }

    @Test func `A body that is too large for somebody on the way is sent in smaller ones`() {
        var machine = makeMachine()
        _ = machine.start(at: .zero)
        _ = machine.received(text("abcdefgh"), at: .zero)
        _ = machine.answered(ok(201), at: .zero)
        let smaller = machine.answered(StreamResponse(status: 413, body: text("<html>")), at: .zero)
        #expect(smaller == .send(.append(sequence: 0, body: text("abcd"))))
        let rest = machine.answered(ok(200), at: .zero)
        #expect(rest == .send(.append(sequence: 1, body: text("efgh"))))
    }

    @Test func `A stream that is there is not created`() {
        var machine = makeMachine { $0.creates = false }
        let start = machine.start(at: .zero)
        #expect(start == .nothing)
        let append = machine.received(text("a"), at: .zero)
        #expect(append == .send(.append(sequence: 0, body: text("a"))))
        #expect(!machine.isFlushed)
        _ = machine.answered(ok(200), at: .zero)
        #expect(machine.isFlushed)
        let end = machine.inputEnded(as: nil, at: .zero)
        #expect(end == .finish(.complete))
    }

    @Test func `What is stopped sends nothing more, and takes no answer for its own`() {
        var machine = makeMachine()
        _ = machine.start(at: .zero)
        _ = machine.received(text("a"), at: .zero)
        let stopped = machine.stop(at: .zero)
        #expect(stopped == .finish(.stopped))
        let answered = machine.answered(ok(201), at: .zero)
        #expect(answered == .finish(.stopped))
        #expect(machine.isClosed)
    }
}
