import Locks
import NIOCore
import NIOHTTP1
import StreamHTTP

@testable import CompletionRelay

/// An upstream whose answers are scripts, which the test may go on writing.
final class ScriptedUpstream: UpstreamTransport {
    enum Step: Sendable {
        case piece(String)
        /// The connection ends, in good order or torn.
        case end
        case tear
    }

    private struct State {
        var requests: [UpstreamRequest] = []
        var open: [AsyncStream<Step>.Continuation] = []
        var aborts = 0
        var taken = 0
    }

    private let state = Mutex(State())
    private let script: [Step]
    private let answers: @Sendable (UpstreamRequest) async throws -> (Int, [HeaderField])

    init(
        _ script: [Step] = [],
        answers: @escaping @Sendable (UpstreamRequest) async throws -> (Int, [HeaderField]) = { _ in
            (200, [HeaderField("Content-Type", "text/event-stream"), HeaderField("x-request-id", "req_1")])
        }
    ) {
        self.script = script
        self.answers = answers
    }

    /// Requests that arrived.
    var requests: [UpstreamRequest] { state.withLock(\.requests) }
    /// Pieces that were taken.
    var taken: Int { state.withLock(\.taken) }
    /// Answers whose reader went before their end.
    var aborts: Int { state.withLock(\.aborts) }

    func send(_ piece: String) { for answer in state.withLock(\.open) { answer.yield(.piece(piece)) } }
    func end() { for answer in state.withLock(\.open) { answer.yield(.end) } }

    func send(_ request: UpstreamRequest) async throws -> UpstreamResponse {
        state.withLock { $0.requests.append(request) }
        let (status, fields) = try await answers(request)
        let (steps, step) = AsyncStream<Step>.makeStream()
        for one in script { step.yield(one) }
        state.withLock { $0.open.append(step) }
        return UpstreamResponse(status: status, headers: fields) { take in try await self.play(steps, take) }
    }

    private func play(_ steps: AsyncStream<Step>, _ take: (ByteBuffer) async throws -> Void) async throws {
        for await step in steps {
            switch step {
            case .piece(let text):
                try await take(ByteBuffer(string: text))
                state.withLock { $0.taken += 1 }
            case .end: return
            case .tear: throw UpstreamError.unreachable("reset")
            }
        }
        state.withLock { $0.aborts += 1 }
        throw CancellationError()
    }
}
