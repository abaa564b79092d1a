package import NIOHTTP1
package import StreamHTTP

/// What holds for the head of every request, whatever its method and path, before anything else looks at it.
package enum RequestScreening {
    /// The head as the routes may trust it: no field that stands once stands twice, and where the target names the
    /// host that is asked, `Host` says the same and the target is what follows it (RFC 9112, section 3.2.2).
    ///
    /// - Parameter needsHost: whether a request of HTTP/1.1 must have a `Host`; false where another server took it.
    package static func screened(
        _ head: HTTPRequestHead,
        needsHost: Bool = true
    ) throws(Problem) -> HTTPRequestHead {
        if let failure = flaw(of: head, needsHost: needsHost) { throw Problem(failure) }
        if let name = SingleField.repeated(in: head.headers) {
            throw .repeatedHeader(name, count: head.headers[name].count)
        }
        if let (name, value) = SingleField.joined(in: head.headers) { throw .header(name, value, "`true`, once") }
        switch TargetForm(head.uri) {
        case .origin: return head
        case .asterisk where head.method == .OPTIONS: return head
        case .authority where head.method == .CONNECT: throw Problem(.unsupportedMethod)
        case .absolute(let authority, let rest):
            var head = head
            head.uri = rest
            head.headers.replaceOrAdd(name: "Host", value: authority)
            return head
        case .asterisk, .authority, .malformed:
            throw Problem(
                .malformed("its target is neither a path nor the http or https URL of one, without a user's name")
            )
        }
    }

    /// What a parser lets through and two parsers may read differently.
    private static func flaw(of head: HTTPRequestHead, needsHost: Bool) -> RequestFailure? {
        let encodings = head.headers["Transfer-Encoding"]
        if !encodings.isEmpty, !head.headers["Content-Length"].isEmpty {
            return .malformed("it has both Transfer-Encoding and Content-Length")
        }
        if !encodings.isEmpty, head.version.minor == 0 {
            return .malformed("HTTP/1.0 has no Transfer-Encoding")
        }
        if !encodings.isEmpty, encodings.count > 1 || encodings[0].lowercased() != "chunked" {
            return .unsupportedEncoding
        }
        let hosts = head.headers["Host"]
        if hosts.count > 1 || (hosts.isEmpty && needsHost && head.version.minor >= 1) {
            return .malformed("it has \(hosts.count) Host fields, and HTTP/1.1 wants one")
        }
        if let host = hosts.first, Authority(parsing: host) == nil {
            return .malformed("its Host is not a name or address, with or without a port")
        }
        return nil
    }
}

extension Problem {
    static func repeatedHeader(_ name: String, count: Int) -> Problem {
        Problem(
            400,
            "repeated-header",
            title: "A header field is repeated.",
            detail: "`\(name)` may be sent once; it was sent \(count) times. Nothing was changed."
        )
    }
}
