/// Where the proxy listens: a port, on all addresses or on one.
@available(freshet 0.1, *)
package struct ListenAddress: Sendable, Equatable {
    /// Nil for all addresses; an IPv6 address is without its brackets.
    package let host: String?
    package let isIPv6: Bool
    package let port: Int

    /// - Throws: `ProxyValueError` when it is neither `port`, `host:port` nor `[ipv6]:port`.
    package init(_ text: String) throws(ProxyValueError) {
        if let port = HostPort.port(text) {
            (host, isIPv6, self.port) = (nil, false, port)
            return
        }
        guard let parsed = HostPort(text), let port = parsed.port else {
            throw ProxyValueError(
                "'\(text)' is no address to listen on; give a port or host:port, such as 127.0.0.1:8080."
            )
        }
        (host, isIPv6, self.port) = (parsed.host, parsed.isIPv6, port)
    }

    /// The host, an IPv6 address in brackets, or what stands for all addresses in the syntax that asks.
    func host(orAll all: String) -> String {
        host.map { isIPv6 ? "[\($0)]" : $0 } ?? all
    }
}
