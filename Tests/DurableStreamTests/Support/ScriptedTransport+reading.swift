import DurableStream
import EventSource

extension ScriptedTransport {
    /// A stream behind it, whose waits are short.
    func stream(
        _ change: (inout DurableStream.Configuration) -> Void = { _ in }
    ) -> DurableStream {
        var configuration = DurableStream.Configuration()
        configuration.retryBase = .milliseconds(1)
        configuration.retryMaximum = .milliseconds(2)
        change(&configuration)
        return DurableStream(url: "http://h/s", configuration: configuration, transport: self)
    }

    /// All that a read gives.
    func read(
        from offset: DurableStream.Offset = .start,
        live: DurableStream.Live = .automatic,
        _ change: (inout DurableStream.ReadOptions) -> Void = { _ in }
    ) async throws -> [DurableStream.Chunk] {
        var options = DurableStream.ReadOptions(live: live)
        change(&options)
        var chunks: [DurableStream.Chunk] = []
        for try await chunk in stream().read(from: offset, options) { chunks.append(chunk) }
        return chunks
    }

    /// A page up to an offset.
    static func page(
        _ offset: String,
        _ pieces: [String],
        type: String = "text/plain",
        isLast: Bool = false,
        isClosed: Bool = false,
        end: Result<Void, any Error>? = .success(())
    ) -> Response {
        var response = Self.response(200, ["Stream-Next-Offset": offset, "Content-Type": type], pieces, end: end)
        if isLast { response.headers.append((name: "Stream-Up-To-Date", value: "true")) }
        if isClosed {
            response.headers += [
                (name: "stream-closed", value: "true"), (name: "Stream-End-Reason", value: "failed"),
                (name: "Stream-End-Detail", value: "because"),
            ]
        }
        return response
    }

    /// A live read.
    static func events(
        _ pieces: [String],
        base64: Bool = false,
        end: Result<Void, any Error>? = nil
    ) -> Response {
        var response = Self.response(200, ["Content-Type": "text/event-stream"], pieces, end: end)
        if base64 { response.headers.append((name: "Stream-SSE-Data-Encoding", value: "base64")) }
        return response
    }
}
