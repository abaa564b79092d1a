import EventSource
import StreamCore
import Testing

@testable import DurableStream

private typealias Machine = ProducerMachine<SystemRandomNumberGenerator>

private func text(_ text: String) -> [UInt8] { Array(text.utf8) }

private func ok(_ status: Int) -> StreamResponse {
    StreamResponse(status: status, headers: ["Stream-Next-Offset": "1"])
}

private func problem(_ status: Int, _ code: String) -> StreamResponse {
    StreamResponse(status: status, body: text(#"{"type":"urn:freshet:\#(code)","title":"No"}"#))
}

private func gap(_ expected: Int) -> StreamResponse {
    StreamResponse(status: 409, headers: ["Producer-Expected-Seq": "\(expected)"])
}

/// An append whose first answer was lost may have been kept, whatever its repetition is told: by a server that was
/// started again with another limit, say.
@Suite struct RepeatedRefusalTests {
    /// A machine whose first append met trouble, and was then refused; with what it does about that.
    private func refused(_ type: String, _ input: String, with refusal: StreamResponse) -> (Machine, Machine.Action) {
        let settings = Machine.Settings(contentType: type, end: EventSource.End(reason: .done))
        var machine = Machine(settings: settings, random: SystemRandomNumberGenerator())
        _ = machine.start(at: .zero)
        _ = machine.received(text(input), at: .zero)
        _ = machine.answered(ok(201), at: .zero)
        _ = machine.failed("connection lost", at: .zero)
        _ = machine.timer(at: .seconds(20))
        let action = machine.answered(refusal, at: .seconds(20))
        return (machine, action)
    }

    private func expectQuestion(_ action: Machine.Action, sourceLocation: SourceLocation = #_sourceLocation) {
        guard case .send(.question(sequence: 0, _)) = action else {
            Issue.record("not asked: \(action)", sourceLocation: sourceLocation)
            return
        }
    }

    @Test(arguments: [
        ("application/json", "too-many-events", "1\n2\n3\n", "[1]", "[2]"),
        ("application/x-ndjson", "too-many-events", "1\n2\n3\n", "1\n", "2\n"),
        ("application/x-ndjson", "body-too-large", "1\n2\n3\n", "1\n", "2\n"),
        ("text/event-stream", "body-too-large", "data:1\n\ndata:2\n\n", "data:1\n\n", "data:2\n\n"),
        ("text/plain", "body-too-large", "abcdefgh", "abcd", "efgh"),
        ("text/plain", "body-too-large", "abcüdefg", "abc", "üde"),
        ("image/png", "body-too-large", "abcdefgh", "abcd", "efgh"),
    ])
    func `One that was not kept is cut, and nothing of it is lost`(
        type: String,
        code: String,
        input: String,
        first: String,
        second: String
    ) {
        var (machine, action) = refused(type, input, with: problem(413, code))
        expectQuestion(action)
        // Also when the answer to the question is lost.
        _ = machine.failed("connection lost", at: .seconds(20))
        expectQuestion(machine.timer(at: .seconds(40)))
        let next = machine.answered(gap(0), at: .seconds(40))
        #expect(next == .send(.append(sequence: 0, body: text(first))))
        let rest = machine.answered(ok(200), at: .seconds(40))
        #expect(rest == .send(.append(sequence: 1, body: text(second))))
        #expect(machine.acknowledgedAppends == 1)
    }

    @Test(arguments: ["too-many-events", "body-too-large", "event-too-large"])
    func `One that was kept is acknowledged, and nothing of it is sent again`(code: String) {
        var (machine, action) = refused("application/json", "1\n2\n3\n", with: problem(413, code))
        expectQuestion(action)
        _ = machine.received(text("4\n"), at: .seconds(20))
        let next = machine.answered(gap(1), at: .seconds(20))
        #expect(next == .send(.append(sequence: 1, body: text("[4]"))))
        #expect(machine.acknowledgedAppends == 1)
        #expect(machine.acknowledgedBytes == 7)
    }

    @Test(arguments: [
        ("event-too-large", 413, "1\n2\n"), ("too-many-events", 413, "1\n"), ("bad-json", 400, "1\n2\n"),
    ])
    func `One that cannot be cut and was not kept ends the stream as failed`(code: String, status: Int, input: String) {
        var (machine, action) = refused("application/json", input, with: problem(status, code))
        expectQuestion(action)
        let end = machine.answered(gap(0), at: .seconds(20))
        #expect(end == .send(.end(sequence: 0, .init(reason: .failed, detail: "No (\(status))"))))
    }

    @Test func `A stream that ended meanwhile is told of instead`() {
        var (machine, _) = refused("application/json", "1\n2\n", with: problem(413, "too-many-events"))
        let ended = StreamResponse(
            status: 409,
            headers: ["Stream-Closed": "true", "Stream-End-Reason": "cancelled", "Stream-Next-Offset": "1"]
        )
        let action = machine.answered(ended, at: .seconds(20))
        #expect(action == .finish(.ended(.init(reason: .cancelled))))
    }

    @Test func `What cannot be cut into bytes is not`() throws {
        for (kind, input) in [(StreamKind.text, "üüü"), (.binary, "abcdefg"), (.json, "123456789\n")] {
            var batcher = Batcher(kind: kind)
            try batcher.append(text(input))
            _ = try batcher.next()
            let isCut = batcher.cutSmaller(by: .bytes)
            #expect(!isCut)
        }
    }

    @Test(arguments: ["text/plain", "image/png", "application/json", "application/x-ndjson", "text/event-stream"])
    func `What the question is asked with holds one event`(type: String) throws {
        let kind = try #require(ContentType(type)).kind
        let limits = PieceLimits(lineBytes: 100, eventBytes: 100)
        let events = try AtomicBody.events(of: Batcher.leastBody(of: StreamKind(type)), kind: kind, limits: limits)
        #expect(events.count == 1)
    }
}
