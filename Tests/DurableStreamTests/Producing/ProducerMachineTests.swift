import EventSource
import Testing

@testable import DurableStream

/// Always the highest value of a range.
private struct Highest: RandomNumberGenerator {
    mutating func next() -> UInt64 { .max }
}

private typealias Machine = ProducerMachine<Highest>

private let done = EventSource.End(reason: .done)

private func makeMachine(
    _ type: String = "text/plain",
    end: EventSource.End? = done,
    _ change: (inout Machine.Settings) -> Void = { _ in }
) -> Machine {
    var settings = Machine.Settings(contentType: type, end: end)
    change(&settings)
    return Machine(settings: settings, random: Highest())
}

private func text(_ text: String) -> [UInt8] { Array(text.utf8) }

/// As a Freshet server says it.
private func ok(_ status: Int) -> StreamResponse {
    StreamResponse(status: status, headers: ["Stream-Next-Offset": "1"])
}

private func closed(_ status: Int, _ reason: String) -> StreamResponse {
    StreamResponse(
        status: status,
        headers: ["Stream-Closed": "true", "Stream-End-Reason": reason, "Stream-Next-Offset": "1"]
    )
}

@Suite struct ProducerMachineTests {
    @Test func `A short life: created, appended at once, ended exactly once`() {
        var machine = makeMachine()
        var actions = [machine.start(at: .zero)]
        actions.append(machine.answered(ok(201), at: .zero))
        actions.append(machine.received(text("Hello"), at: .zero))
        actions.append(machine.answered(ok(200), at: .zero))
        actions.append(machine.inputEnded(at: .zero))
        actions.append(machine.answered(closed(200, "done"), at: .zero))
        #expect(
            actions == [
                .send(.create), .nothing, .send(.append(sequence: 0, body: text("Hello"))), .nothing,
                .send(.end(sequence: 1, done)), .finish(.complete),
            ]
        )
        #expect(machine.acknowledgedBytes == 5)
    }

    @Test func `What arrives while a request is in flight gathers into the next`() {
        var machine = makeMachine()
        _ = machine.start(at: .zero)
        for word in ["one ", "two "] {
            let action = machine.received(text(word), at: .zero)
            #expect(action == .nothing)
        }
        let first = machine.answered(ok(200), at: .zero)
        #expect(first == .send(.append(sequence: 0, body: text("one two "))))
        for word in ["three ", "four"] { _ = machine.received(text(word), at: .zero) }
        _ = machine.inputEnded(at: .zero)
        let second = machine.answered(ok(204), at: .zero)
        #expect(second == .send(.append(sequence: 1, body: text("three four"))))
        let end = machine.answered(ok(200), at: .zero)
        #expect(end == .send(.end(sequence: 2, done)))
    }

    @Test func `A request without a response is repeated, byte for byte, with its number`() {
        var machine = makeMachine()
        _ = machine.start(at: .zero)
        _ = machine.answered(ok(201), at: .zero)
        let first = machine.received(text("a"), at: .zero)
        let wait = machine.failed("reset", at: .zero)
        #expect(wait == .wait(until: .milliseconds(250)))
        #expect(machine.isTroubled)
        // New input neither joins it nor sends it early.
        let still = machine.received(text("b"), at: .milliseconds(100))
        #expect(still == .wait(until: .milliseconds(250)))
        let again = machine.timer(at: .milliseconds(250))
        #expect(again == first)
        // The server had it already: a duplicate is an acknowledgement.
        let next = machine.answered(ok(204), at: .zero)
        #expect(next == .send(.append(sequence: 1, body: text("b"))))
    }

    @Test(arguments: [408, 425, 429, 500, 502, 503, 504, 507])
    func `A passing refusal is repeated after the longer of backoff and Retry-After`(status: Int) {
        var machine = makeMachine()
        _ = machine.start(at: .zero)
        let wait = machine.answered(StreamResponse(status: status, headers: ["Retry-After": "9"]), at: .seconds(1))
        #expect(wait == .wait(until: .seconds(10)))
        let again = machine.timer(at: .seconds(10))
        #expect(again == .send(.create))
    }

    @Test func `Repetitions wait longer and longer, up to a maximum, until the patience is over`() {
        var machine = makeMachine {
            $0.patience = .seconds(60)
        }
        _ = machine.start(at: .zero)
        var now = Duration.zero
        var delays: [Int64] = []
        var last = Machine.Action.nothing
        while delays.count < 100 {
            last = machine.failed("refused", at: now)
            guard case .wait(let until) = last else { break }
            delays.append((until - now).components.seconds * 1000 + (until - now).components.attoseconds / Int64(1e15))
            now = until
            _ = machine.timer(at: now)
        }
        #expect(delays.prefix(8) == [250, 500, 1000, 2000, 4000, 8000, 15000, 15000])
        #expect(last == .finish(.gaveUp("refused")))
        #expect(now >= .seconds(60))
    }

    @Test func `A server that asks for a longer wait than the patience is asked once more at its end`() {
        var machine = makeMachine { $0.patience = .seconds(10) }
        _ = machine.start(at: .zero)
        let busy = StreamResponse(status: 503, headers: ["Retry-After": "3600"])
        let wait = machine.answered(busy, at: .seconds(1))
        #expect(wait == .wait(until: .seconds(11)))
        let again = machine.timer(at: .seconds(11))
        #expect(again == .send(.create))
        let end = machine.answered(busy, at: .seconds(11))
        #expect(end == .finish(.gaveUp("the server answered 503")))
    }

    @Test func `A response ends the impatience`() {
        var machine = makeMachine { $0.patience = .seconds(10) }
        _ = machine.start(at: .zero)
        _ = machine.failed("x", at: .seconds(1))
        _ = machine.timer(at: .seconds(2))
        _ = machine.answered(ok(201), at: .seconds(9))
        _ = machine.received(text("a"), at: .seconds(9))
        let wait = machine.failed("x", at: .seconds(100))
        #expect(wait == .wait(until: .seconds(100) + .milliseconds(250)))
    }

    @Test func `Reading stops while too much is not acknowledged, and goes on after`() {
        var machine = makeMachine { $0.maximumPendingBytes = 100 }
        #expect(machine.wantsInput)
        _ = machine.start(at: .zero)
        _ = machine.received([UInt8](repeating: 65, count: 99), at: .zero)
        #expect(machine.wantsInput)
        _ = machine.received([65], at: .zero)
        #expect(!machine.wantsInput)
        _ = machine.answered(ok(201), at: .zero)
        #expect(!machine.wantsInput)
        _ = machine.answered(ok(200), at: .zero)
        #expect(machine.wantsInput)
    }

    @Test func `A block longer than the bound is still read to its end`() {
        var machine = makeMachine("application/x-ndjson") { $0.maximumPendingBytes = 100 }
        _ = machine.start(at: .zero)
        _ = machine.answered(ok(201), at: .zero)
        _ = machine.received([UInt8](repeating: 49, count: 500), at: .zero)
        #expect(machine.wantsInput)
        let action = machine.received(text("\n"), at: .zero)
        guard case .send(.append(0, let body)) = action else {
            Issue.record("not sent: \(action)")
            return
        }
        #expect(body.count == 501)
    }

    @Test(arguments: ["cancelled", "abandoned", "failed", "done"])
    func `A stream that someone else ended stops it`(reason: String) {
        var machine = makeMachine()
        _ = machine.start(at: .zero)
        _ = machine.answered(ok(201), at: .zero)
        _ = machine.received(text("a"), at: .zero)
        let action = machine.answered(closed(409, reason), at: .zero)
        #expect(action == .finish(.ended(.init(reason: .init(rawValue: reason)))))
        #expect(!machine.wantsInput)
    }

    @Test func `An end that finds the stream cancelled says so`() {
        for status in [204, 409] {
            var machine = makeMachine()
            _ = machine.start(at: .zero)
            _ = machine.inputEnded(at: .zero)
            _ = machine.answered(ok(201), at: .zero)
            let action = machine.answered(closed(status, "cancelled"), at: .zero)
            #expect(action == .finish(.ended(.init(reason: .cancelled))))
        }
    }

    @Test func `A stream that is there but ended takes nothing`() {
        var machine = makeMachine()
        _ = machine.start(at: .zero)
        let action = machine.answered(closed(200, "done"), at: .zero)
        #expect(action == .finish(.ended(done)))
    }

    @Test func `An open stream that was created otherwise is appended to, unless it was to be like this`() {
        for accepts in [true, false] {
            var machine = makeMachine { $0.acceptsAnyOpenStream = accepts }
            _ = machine.start(at: .zero)
            _ = machine.received(text("a"), at: .zero)
            let action = machine.answered(StreamResponse(status: 409), at: .zero)
            #expect(
                action
                    == (accepts
                        ? .send(.append(sequence: 0, body: text("a"))) : .finish(.refused("the server answered 409")))
            )
        }
    }

    @Test func `A stream that is gone is told from a refusal`() {
        for (status, outcome) in [
            (404, Machine.Outcome.gone("the server answered 404")), (410, .gone("the server answered 410")),
            (403, .refused("the server answered 403")), (409, .refused("the server answered 409")),
            (501, .refused("the server answered 501")),
        ] {
            var machine = makeMachine()
            _ = machine.start(at: .zero)
            _ = machine.answered(ok(201), at: .zero)
            _ = machine.received(text("a"), at: .zero)
            let action = machine.answered(StreamResponse(status: status), at: .zero)
            #expect(action == .finish(outcome))
        }
    }

    @Test func `Input that cannot be appended ends the stream as failed, after what came before`() {
        var machine = makeMachine("application/json")
        _ = machine.start(at: .zero)
        _ = machine.received(text("1\nbad\n3\n"), at: .zero)
        let append = machine.answered(ok(201), at: .zero)
        #expect(append == .send(.append(sequence: 0, body: text("[1]"))))
        let end = machine.answered(ok(200), at: .zero)
        guard case .send(.end(1, let how)) = end else {
            Issue.record("not ended: \(end)")
            return
        }
        #expect(how.reason == .failed)
        #expect(how.detail?.contains("line 2") == true)
        let finish = machine.answered(closed(200, "failed"), at: .zero)
        guard case .finish(.inputFailed) = finish else {
            Issue.record("not failed: \(finish)")
            return
        }
    }

    @Test(arguments: [400, 413, 422])
    func `Input that the server refuses ends the stream as failed, with the server's reason`(status: Int) {
        var machine = makeMachine()
        _ = machine.start(at: .zero)
        _ = machine.received(text("bad"), at: .zero)
        _ = machine.answered(ok(201), at: .zero)
        _ = machine.received(text("waiting"), at: .zero)
        let end = machine.answered(StreamResponse(status: status, body: text("No.")), at: .zero)
        let reason = "No. (\(status))"
        #expect(end == .send(.end(sequence: 0, .init(reason: .failed, detail: reason))))
        #expect(!machine.wantsInput)
        for (answer, outcome) in [
            (closed(200, "failed"), Machine.Outcome.inputFailed(reason)),
            (
                StreamResponse(status: 403),
                .refused("\(reason); nor could the stream be ended: the server answered 403")
            ),
        ] {
            var copy = machine
            let finish = copy.answered(answer, at: .zero)
            #expect(finish == .finish(outcome))
        }
    }

    @Test func `A body of too many events is sent in smaller ones, each with the number that was refused`() {
        let tooMany = StreamResponse(status: 413, body: text(#"{"type":"urn:freshet:too-many-events"}"#))
        var machine = makeMachine("application/json")
        _ = machine.start(at: .zero)
        _ = machine.received(text("1\n2\n3\n4\n5\n"), at: .zero)
        let actions = [
            machine.answered(ok(201), at: .zero), machine.answered(tooMany, at: .zero),
            machine.answered(tooMany, at: .zero), machine.answered(ok(200), at: .zero),
        ]
        #expect(
            actions == [
                .send(.append(sequence: 0, body: text("[1,2,3,4,5]"))),
                .send(.append(sequence: 0, body: text("[1,2]"))),
                .send(.append(sequence: 0, body: text("[1]"))), .send(.append(sequence: 1, body: text("[2]"))),
            ]
        )
        // One event that is too many is the input's fault.
        let end = machine.answered(tooMany, at: .zero)
        guard case .send(.end(sequence: 1, let how)) = end, how.reason == .failed else {
            Issue.record("not ended as failed: \(end)")
            return
        }
    }

    @Test func `A stream that is to stay open is left open when the server refuses input`() {
        var machine = makeMachine(end: nil)
        _ = machine.start(at: .zero)
        _ = machine.received(text("bad"), at: .zero)
        _ = machine.answered(ok(201), at: .zero)
        let finish = machine.answered(StreamResponse(status: 400), at: .zero)
        #expect(finish == .finish(.inputFailed("the server answered 400")))
    }

    @Test(arguments: 0...2)
    func `A response that does not say where the stream stands acknowledges nothing`(good: Int) {
        var machine = makeMachine()
        _ = machine.start(at: .zero)
        _ = machine.received(text("a"), at: .zero)
        _ = machine.inputEnded(at: .zero)
        for _ in 0..<good { _ = machine.answered(ok(200), at: .zero) }
        let html = StreamResponse(status: 200, headers: ["Content-Type": "text/html"], body: text("<html>"))
        let action = machine.answered(html, at: .zero)
        #expect(action == .finish(.foreign(status: 200)))
        #expect(machine.acknowledgedAppends == max(0, good - 1))
    }

    @Test func `An interrupted producer sends what it has read and ends as failed`() {
        var machine = makeMachine()
        _ = machine.start(at: .zero)
        _ = machine.received(text("half"), at: .zero)
        _ = machine.inputBroke("interrupted", at: .zero)
        #expect(!machine.wantsInput)
        let append = machine.answered(ok(201), at: .zero)
        #expect(append == .send(.append(sequence: 0, body: text("half"))))
        let end = machine.answered(ok(200), at: .zero)
        #expect(end == .send(.end(sequence: 1, .init(reason: .failed, detail: "interrupted"))))
    }

    @Test func `Without an end the stream stays open`() {
        var machine = makeMachine(end: nil)
        _ = machine.start(at: .zero)
        _ = machine.received(text("x"), at: .zero)
        _ = machine.inputEnded(at: .zero)
        _ = machine.answered(ok(201), at: .zero)
        let action = machine.answered(ok(200), at: .zero)
        #expect(action == .finish(.complete))
    }

    @Test(arguments: [(30, 5), (9, 3)])
    func `A silent producer renews its lease in good time`(lease: Int, pause: Int) {
        var machine = makeMachine { $0.leaseSeconds = lease }
        _ = machine.start(at: .zero)
        let wait = machine.answered(ok(201), at: .seconds(5))
        #expect(wait == .wait(until: .seconds(5 + pause)))
        let renewal = machine.timer(at: .seconds(5 + pause))
        #expect(renewal == .send(.renewLease))
        let next = machine.answered(ok(204), at: .seconds(16))
        #expect(next == .wait(until: .seconds(16 + pause)))
        // An append renews it too.
        _ = machine.received(text("x"), at: .seconds(17))
        let later = machine.answered(ok(200), at: .seconds(18))
        #expect(later == .wait(until: .seconds(18 + pause)))
    }

    @Test func `A renewal tells a silent producer that its stream was cancelled`() {
        var machine = makeMachine { $0.leaseSeconds = 60 }
        _ = machine.start(at: .zero)
        _ = machine.answered(ok(201), at: .zero)
        _ = machine.timer(at: .seconds(5))
        let action = machine.answered(closed(409, "cancelled"), at: .seconds(5))
        #expect(action == .finish(.ended(.init(reason: .cancelled))))
    }
}
