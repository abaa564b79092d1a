package import StreamHTTP

/// What holds for the head of every request, whatever its method and path, before anything else looks at it.
@available(freshet 0.1, *)
package enum RequestScreening {
    /// The head as the routes may trust it: its host is one, no field that stands once stands twice, and where the
    /// target names the host that is asked, `Host` says the same and the target is what follows it (RFC 9112, section
    /// 3.2.2).
    package static func screened(_ head: RequestHead) throws(Problem) -> RequestHead {
        let hosts = head.headers.count(name: "Host")
        if hosts > 1 { throw Problem(.malformed("it has \(hosts) Host fields")) }
        if let host = head.authority, Authority(parsing: host) == nil {
            throw Problem(.malformed("its Host is not a name or address, with or without a port"))
        }
        if let name = SingleField.repeated(in: head.headers) {
            throw .repeatedHeader(name, count: head.headers.count(name: name))
        }
        if let (name, value) = SingleField.joined(in: head.headers) { throw .header(name, value, "`true`, once") }
        // A fragment stays with the client (RFC 9110, section 7.1); two parsers may end the target at different places.
        if head.uri.utf8.contains(UInt8(ascii: "#")) {
            throw Problem(.malformed("its target has a `#`, which is never sent; in a name it is `%23`"))
        }
        // No tunnel is dug, whatever stands for where it leads: to a proxy any success would be one.
        guard head.method.rawValue != "CONNECT" else { throw Problem(.unsupportedMethod) }
        switch TargetForm(head.uri) {
        case .origin: return head
        case .asterisk where head.method == .OPTIONS: return head
        case .absolute(let authority, let rest):
            var head = head
            head.uri = rest
            head.authority = authority
            head.headers.replace(name: "Host", with: authority)
            return head
        case .asterisk, .authority, .malformed:
            throw Problem(
                .malformed("its target is neither a path nor the http or https URL of one, without a user's name")
            )
        }
    }
}

@available(freshet 0.1, *)
extension Problem {
    static func repeatedHeader(_ name: String, count: Int) -> Problem {
        Problem(
            400,
            "repeated-header",
            title: "Repeated header",
            detail: "`\(name)` may be sent once; it was sent \(count) times. Nothing was changed."
        )
    }
}
