import NIOCore
import StreamHTTP

/// Writes what a proxy lets go of, one thing after another, whoever asks for it: the answer that comes in, or the time
/// that passes.
@available(freshet 0.1, *)
actor ProxyRelay {
    private var buffer: ProxyBuffer
    private let writer: ResponseWriter
    private var isWriting = false
    private var waiting: [CheckedContinuation<Void, Never>] = []

    init(_ policy: ProxyPolicy, writer: ResponseWriter) {
        buffer = ProxyBuffer(policy)
        self.writer = writer
    }

    func head(_ status: Int, _ headers: [HeaderField], length: Int?) async throws {
        try await alone { $0.head(status, headers, length: length) }
    }

    func received(_ bytes: ByteBuffer) async throws { try await alone { $0.received(bytes) } }

    func periodEnded() async throws { try await alone { $0.periodEnded() } }

    func ended(isComplete: Bool) async throws { try await alone { $0.ended(isComplete: isComplete) } }

    /// The buffer is asked only when all that it let go of before is written: the order of its actions is that of the
    /// bytes.
    private func alone(_ ask: (inout ProxyBuffer) -> [ProxyBuffer.Action]) async throws {
        while isWriting { await withCheckedContinuation { waiting.append($0) } }
        isWriting = true
        defer {
            isWriting = false
            if !waiting.isEmpty { waiting.removeFirst().resume() }
        }
        for action in ask(&buffer) { try await perform(action) }
    }

    private func perform(_ action: ProxyBuffer.Action) async throws {
        switch action {
        case .head(let status, let headers, let length): try await writer.head(status, headers, length: length)
        case .bytes(let bytes): try await writer.write(bytes)
        case .finish: break
        case .cut: writer.cut()
        case .fail(let status):
            try await writer.respond(
                Response(
                    Problem(
                        status,
                        "bad-gateway",
                        title: "The answer did not come whole",
                        detail: "The proxy of this demonstration got no whole answer, or one too long to hold."
                    )
                )
            )
        }
    }
}
