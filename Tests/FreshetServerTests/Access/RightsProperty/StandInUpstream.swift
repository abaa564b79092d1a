import CompletionRelay
import Locks
import NIOCore
import StreamHTTP

/// Stands in for a provider: each call gets a response of its own, with the mark of its number in it. The first one goes
/// on until it is dropped.
final class StandInUpstream: UpstreamTransport {
    private let number = Mutex(0)

    /// How often it was called.
    var calls: Int { number.withLock(\.self) }

    static func id(_ number: Int) -> String { "resp_\(number)" }

    /// None of the streams that were there before has it.
    static func mark(_ number: Int) -> Int { 900 + number }

    func send(_ request: UpstreamRequest) async throws -> UpstreamResponse {
        let number = number.withLock { number in
            defer { number += 1 }
            return number
        }
        let (id, mark) = (Self.id(number), "<<\(Self.mark(number))>>")
        let opening =
            Self.event("response.created", #""response":{"id":"\#(id)","status":"in_progress","output":[]}"#)
            + Self.event("response.output_text.delta", #""delta":"\#(mark)""#)
        let done = #""response":{"id":"\#(id)","status":"completed","output":["\#(mark)"]}"#
        return UpstreamResponse(status: 200, headers: [HeaderField("Content-Type", "text/event-stream")]) { take in
            try await take(ByteBuffer(string: opening))
            if number == 0 { try await untilCancelled() }
            try await take(ByteBuffer(string: Self.event("response.completed", done)))
        }
    }

    private static func event(_ type: String, _ members: String) -> String {
        "event: \(type)\ndata: {\"type\":\"\(type)\",\(members)}\n\n"
    }
}

/// A clock on which short waits are over at once, and long ones with their task.
struct HastyClock: Clock {
    var now: ContinuousClock.Instant { .now }
    var minimumResolution: Duration { .zero }

    func sleep(until deadline: ContinuousClock.Instant, tolerance: Duration?) async throws {
        try Task.checkCancellation()
        guard deadline - now > .milliseconds(150) else { return await Task.yield() }
        try await untilCancelled()
    }
}

/// Ends with its task, by an error.
private func untilCancelled() async throws {
    let (never, teller) = AsyncStream.makeStream(of: Void.self)
    for await _ in never {}
    withExtendedLifetime(teller) {}
    throw CancellationError()
}
