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

    /// What a head says.
    private struct Content: Sendable {
        var method: RequestMethod
        var uri: String
        var authority: String?
        var headers: RequestFields
        var body: Body
        var expectsContinue: Bool
        var version: String
        var isSecure = false
    }

    /// In one object: a head is handed on some ten times before its request is answered, and each time all of its texts would
    /// be counted one more and one less (measured: a twentieth of the instructions of an append).
    private final class Storage: Sendable {
        let content: Content

        init(_ content: Content) {
            self.content = content
        }
    }

    private var storage: Storage

    package init(
        method: RequestMethod,
        uri: String,
        authority: String? = nil,
        headers: RequestFields = [:],
        body: Body = .none,
        expectsContinue: Bool = false,
        version: String = "1.1"
    ) {
        storage = Storage(
            Content(
                method: method,
                uri: uri,
                authority: authority,
                headers: headers,
                body: body,
                expectsContinue: expectsContinue,
                version: version
            )
        )
    }

    package var method: RequestMethod { storage.content.method }

    /// The path with the query, as it was sent.
    package var uri: String {
        get { storage.content.uri }
        set { change { $0.uri = newValue } }
    }

    /// The host, and maybe the port, that the client asked: `Host`, or HTTP/2's `:authority`.
    package var authority: String? {
        get { storage.content.authority }
        set { change { $0.authority = newValue } }
    }

    /// All fields, `Host` among them, in their order.
    package var headers: RequestFields {
        get { storage.content.headers }
        set { change { $0.headers = newValue } }
    }

    package var body: Body { storage.content.body }

    /// The client sends the body only after a word that it is wanted (`Expect: 100-continue`).
    package var expectsContinue: Bool { storage.content.expectsContinue }

    /// The protocol's version, such as `1.1`.
    package var version: String { storage.content.version }

    /// It came over TLS that this server ended.
    package var isSecure: Bool {
        get { storage.content.isSecure }
        set { if newValue != isSecure { change { $0.isSecure = newValue } } }
    }

    private mutating func change(_ body: (inout Content) -> Void) {
        var content = storage.content
        body(&content)
        storage = Storage(content)
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
