/// Where the Freshet server is, as the proxy reaches it: `http://host:port`, without a path.
@available(freshet 0.1, *)
package struct UpstreamURL: Sendable, Equatable {
    /// A name, an IPv4 address, or an IPv6 address without brackets.
    package let host: String
    package let isIPv6: Bool
    package let port: Int

    /// - Throws: `ProxyValueError` when it is anything else than an `http` origin.
    package init(_ text: String) throws(ProxyValueError) {
        let example = "give the server's address as the proxy sees it, such as http://127.0.0.1:4437"
        guard let separator = text.firstRange(of: "://") else {
            throw ProxyValueError("The upstream '\(text)' is not a URL; \(example).")
        }
        guard text[..<separator.lowerBound].lowercased() == "http" else {
            throw ProxyValueError(
                "The upstream '\(text)' is not http: proxies end TLS and speak clear text to Freshet; \(example)."
            )
        }
        var authority = text[separator.upperBound...]
        if authority.hasSuffix("/") { authority.removeLast() }
        guard let parsed = HostPort(authority) else {
            throw ProxyValueError("The upstream '\(text)' is not http://host:port without a path; \(example).")
        }
        host = parsed.host
        isIPv6 = parsed.isIPv6
        port = parsed.port ?? 80
    }

    /// `host:port`, an IPv6 address in brackets.
    package var authority: String { (isIPv6 ? "[\(host)]" : host) + ":\(port)" }

    /// `http://host:port`.
    package var origin: String { "http://" + authority }

    /// Whether the host is an address and not a name that has to be looked up.
    var isAddress: Bool {
        isIPv6
            || host.split(separator: ".").count == 4
                && host.utf8.allSatisfy { $0 == 0x2E || (0x30...0x39).contains($0) }
    }
}
