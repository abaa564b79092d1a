/// A complete answer to one request.
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
    /// Why a reader is asked to come back, when that is what this answer says.
    package var reconnect: ReconnectReason?

    package init(_ status: Int, headers: [HeaderField] = [], body: [UInt8] = [], framing: Framing = .length) {
        self.status = status
        self.headers = headers
        self.body = body
        self.framing = framing
    }

    /// A problem as a JSON document (RFC 9457).
    package init(_ problem: Problem) {
        var body: [UInt8] = []
        body.append(contentsOf: "{\"type\":".utf8)
        JSONWriter.appendString("urn:freshet:" + problem.code, to: &body)
        body.append(contentsOf: ",\"title\":".utf8)
        JSONWriter.appendString(problem.title, to: &body)
        body.append(contentsOf: ",\"status\":\(problem.status),\"detail\":".utf8)
        JSONWriter.appendString(problem.detail, to: &body)
        body.append(contentsOf: "}\n".utf8)
        self.init(
            problem.status,
            headers: [
                HeaderField("Content-Type", "application/problem+json"), HeaderField("Cache-Control", "no-store"),
            ]
                + problem.headers,
            body: body
        )
    }
}
