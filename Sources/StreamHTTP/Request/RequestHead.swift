/// The head of a request, made once by the transport that brought it from what its parser gives.
///
/// Nothing here is HTTP/1's alone: what its syntax allows and forbids was looked at before (`HTTP1Syntax`).
@available(freshet 0.1, *)
package struct RequestHead: Sendable {
    /// What follows the head.
    package enum Body: Sendable, Equatable {
        case none
        /// So many bytes, more than 0.
        case length(Int)
        /// Until it ends: HTTP/1.1 says `chunked`.
        case openEnded

        /// So large, or of a length so unknown, that an early refusal saves more than it costs.
        var isLarge: Bool {
            switch self {
            case .none: false
            case .length(let length): length > 64 * 1024
            case .openEnded: true
            }
        }
    }

    package var method: RequestMethod
    /// The path with the query, as it was sent.
    package var uri: String
    /// The host, and maybe the port, that the client asked: `Host`, or HTTP/2's `:authority`.
    package var authority: String?
    /// All fields, `Host` among them, in their order.
    package var headers: RequestFields
    package var body: Body
    /// The client sends the body only after a word that it is wanted (`Expect: 100-continue`).
    package var expectsContinue: Bool
    /// The protocol's version, such as `1.1`.
    package var version: String
    /// It came over TLS that this server ended.
    package var isSecure = false

    package init(
        method: RequestMethod,
        uri: String,
        authority: String? = nil,
        headers: RequestFields = [:],
        body: Body = .none,
        expectsContinue: Bool = false,
        version: String = "1.1"
    ) {
        self.method = method
        self.uri = uri
        self.authority = authority
        self.headers = headers
        self.body = body
        self.expectsContinue = expectsContinue
        self.version = version
    }
}

/// A request's method, whose case counts.
@available(freshet 0.1, *)
package struct RequestMethod: RawRepresentable, Sendable, Hashable {
    package var rawValue: String

    package init(rawValue: String) {
        self.rawValue = rawValue
    }

    package static let GET = RequestMethod(rawValue: "GET")
    package static let HEAD = RequestMethod(rawValue: "HEAD")
    package static let PUT = RequestMethod(rawValue: "PUT")
    package static let POST = RequestMethod(rawValue: "POST")
    package static let DELETE = RequestMethod(rawValue: "DELETE")
    package static let OPTIONS = RequestMethod(rawValue: "OPTIONS")
}
