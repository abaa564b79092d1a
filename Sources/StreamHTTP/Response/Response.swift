import PrintableText
package import TextCodecs

/// A complete response to one request.
@available(freshet 0.1, *)
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
    /// The problem that the body tells; nil where it is something else, or is told as another protocol does.
    package private(set) var problem: Problem?

    package init(_ status: Int, headers: [HeaderField] = [], body: [UInt8] = [], framing: Framing = .length) {
        self.status = status
        self.headers = headers
        self.body = body
        self.framing = framing
    }

    /// A problem as a JSON document (RFC 9457).
    package init(_ problem: Problem) {
        self.init(
            problem.status,
            headers: [
                HeaderField("Content-Type", "application/problem+json"), HeaderField("Cache-Control", "no-store"),
            ]
                + problem.headers,
            body: Self.body(problem, type: "urn:freshet:" + problem.code, status: problem.status)
        )
        self.problem = problem
    }

    /// The same problem with members of another protocol beside its own.
    ///
    /// - Parameters:
    ///   - type: what stands for the problem's type where that protocol has a member of this name.
    ///   - hasStatus: false where it has one of the name of the status, in another sense.
    package func telling(
        _ problem: Problem,
        type: String? = nil,
        hasStatus: Bool = true,
        _ further: (inout JSONWriter) -> Void
    ) -> Response {
        var told = self
        told.problem = nil
        let type = type ?? "urn:freshet:" + problem.code
        told.body = Self.body(problem, type: type, status: hasStatus ? problem.status : nil, further)
        return told
    }

    private static func body(
        _ problem: Problem,
        type: String,
        status: Int?,
        _ further: (inout JSONWriter) -> Void = { _ in }
    ) -> [UInt8] {
        let body = JSONWriter.object {
            $0.member("type", type)
            $0.member("title", problem.title)
            if let status { $0.member("status", status) }
            $0.member("detail", problem.detail)
            for member in problem.members {
                switch member.value {
                case .text(let text): $0.member(member.name, text)
                case .number(let number): $0.member(member.name, number)
                }
            }
            further(&$0)
        }
        return PrintableText.escaped(json: body) + "\n".utf8
    }
}
