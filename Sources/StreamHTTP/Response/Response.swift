import PrintableText
import TextCodecs

/// A complete response to one request.
package struct Response: Sendable, Equatable {
    /// How the end of the body is told.
    package enum Framing: Sendable, Equatable {
        /// By `Content-Length`.
        case length
        /// As a stream that happens to be whole: chunked, and the connection closes after it.
        case stream
    }

    package var status: Int
    package var headers: [HeaderField]
    package var body: [UInt8]
    package var framing: Framing
    /// Why a reader is asked to come back, when that is what this response says.
    package var reconnect: ReconnectReason?

    package init(_ status: Int, headers: [HeaderField] = [], body: [UInt8] = [], framing: Framing = .length) {
        self.status = status
        self.headers = headers
        self.body = body
        self.framing = framing
    }

    /// A problem as a JSON document (RFC 9457).
    package init(_ problem: Problem) {
        let body = JSONWriter.object {
            $0.member("type", "urn:freshet:" + problem.code)
            $0.member("title", problem.title)
            $0.member("status", problem.status)
            $0.member("detail", problem.detail)
        }
        self.init(
            problem.status,
            headers: [
                HeaderField("Content-Type", "application/problem+json"), HeaderField("Cache-Control", "no-store"),
            ]
                + problem.headers,
            body: PrintableText.escaped(json: body) + "\n".utf8
        )
    }
}
