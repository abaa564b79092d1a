import Testing

@testable import EventSource

/// What waits of a body, without a session.
@Suite struct ReceivedBodyTests {
    private func taken(_ body: inout ReceivedBody) -> [UInt8]? {
        guard case .bytes(let bytes, _) = body.take() else { return nil }
        return bytes
    }

    @Test func `What arrived is taken whole, then waited for, then the end comes`() {
        var body = ReceivedBody(limit: 100, whenFull: .pause)
        for piece in [[1, 2], [3]] as [[UInt8]] {
            let arrival = body.received(piece)
            #expect(arrival == .readOn)
        }
        let first = taken(&body)
        #expect(first == [1, 2, 3])
        guard case .wait = body.take() else {
            Issue.record("nothing waits")
            return
        }
        _ = body.received([4])
        body.finish(.success(()))
        let last = taken(&body)
        #expect(last == [4])
        guard case .end = body.take() else {
            Issue.record("it has ended")
            return
        }
    }

    @Test func `At the limit the sender is paused once, and resumed by the take`() {
        var body = ReceivedBody(limit: 3, whenFull: .pause)
        for _ in 0..<3 {
            let arrivals = [body.received([1, 2]), body.received([3]), body.received([4])]
            // What was on its way when it was paused is kept.
            #expect(arrivals == [.readOn, .pause, .readOn])
            guard case .bytes([1, 2, 3, 4], resumesTask: true) = body.take() else {
                Issue.record("not resumed")
                return
            }
        }
    }

    @Test func `A sender that has ended is not resumed`() {
        var body = ReceivedBody(limit: 1, whenFull: .pause)
        let arrival = body.received([1])
        #expect(arrival == .pause)
        body.finish(.success(()))
        guard case .bytes([1], resumesTask: false) = body.take() else {
            Issue.record("resumed")
            return
        }
    }

    @Test func `Where the sender cannot be paused the body fails at the limit, after what is there`() {
        var body = ReceivedBody(limit: 2 << 20, whenFull: .fail)
        let arrivals = [
            body.received(repeatElement(1, count: (2 << 20) - 1)), body.received([2]), body.received([3]),
        ]
        #expect(arrivals == [.readOn, .fail, .readOn])
        // The session tells of the cancelled task then, which is not the reason.
        body.finish(.failure(CancellationError()))
        let bytes = taken(&body)
        #expect(bytes?.count == 2 << 20)
        guard case .failed(let error as EventSourceTransportError) = body.take() else {
            Issue.record("it goes on")
            return
        }
        #expect(error.message == "its reader fell 2 MiB behind")
        #expect(!error.isUnsent)
    }
}
