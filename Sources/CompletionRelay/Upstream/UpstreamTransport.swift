package import NIOCore
package import NIOHTTP1
package import StreamHTTP
import TextCodecs

/// A call to an upstream.
@available(freshet 0.1, *)
package struct UpstreamRequest: Sendable {
    package var method: String
    /// Behind `/v1`, with the query.
    package var path: String
    package var headers: HTTPHeaders
    package var body: Body

    package enum Body: Sendable {
        case none
        /// What was collected before.
        case whole(CallBody)
        /// As it arrives, with its length where that is known.
        case stream(WatchedBody, length: Int?)
    }

    package init(method: String, path: String, headers: HTTPHeaders = [:], body: Body = .none) {
        self.method = method
        self.path = path
        self.headers = headers
        self.body = body
    }
}

/// An upstream's response, whose body is still to come.
@available(freshet 0.1, *)
package struct UpstreamResponse: Sendable {
    package var status: Int
    package var headers: [HeaderField]
    /// Reads the body, piece by piece, as fast as the pieces are taken. Ends early when taking one throws.
    package var body: @Sendable (_ take: (ByteBuffer) async throws -> Void) async throws -> Void

    package init(
        status: Int,
        headers: [HeaderField],
        body: @escaping @Sendable (_ take: (ByteBuffer) async throws -> Void) async throws -> Void
    ) {
        self.status = status
        self.headers = headers
        self.body = body
    }

    package func header(_ name: String) -> String? {
        headers.first { $0.name.lowercased() == name.lowercased() }?.value
    }

    /// Whether its type says that it is a stream in a format.
    func isStream(_ format: WireFormat) -> Bool {
        let wanted: [Substring] =
            format == .ollama
            ? ["application/x-ndjson", "application/ndjson", "application/jsonl"] : ["text/event-stream"]
        // Proxies join a field that was sent twice.
        let types = (header("Content-Type") ?? "").lowercased().split(separator: ",")
        return !types.isEmpty
            && types.allSatisfy { type in
                wanted.contains(type.split(separator: ";").first?.trimmingBlanks() ?? "")
            }
    }
}

/// Why an upstream gave no response, or not all of it.
@available(freshet 0.1, *)
package enum UpstreamError: Error, Sendable, Equatable {
    case unreachable(String)
    /// It answered with what is no response: the same call would come to the same.
    case unusable(String)
    /// It said nothing for too long.
    case silent
}

/// What calls one upstream. Cancelling the task aborts the call.
@available(freshet 0.1, *)
package protocol UpstreamTransport: Sendable {
    func send(_ request: UpstreamRequest) async throws -> UpstreamResponse
}
