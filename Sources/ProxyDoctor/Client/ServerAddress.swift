/// Where a server is: scheme, host, port, and the path that its own paths follow.
@available(freshet 0.1, *)
package struct ServerAddress: Sendable, Hashable {
    package var isSecure: Bool
    /// Without brackets for IPv6.
    package var host: String
    package var port: Int
    /// Empty, or beginning with a slash and not ending with one.
    package var basePath: String

    package init(isSecure: Bool, host: String, port: Int, basePath: String = "") {
        self.isSecure = isSecure
        self.host = host
        self.port = port
        self.basePath = basePath
    }

    /// What goes into `Host`.
    package var authority: String {
        let name = host.utf8.contains(UInt8(ascii: ":")) ? "[\(host)]" : host
        return port == (isSecure ? 443 : 80) ? name : "\(name):\(port)"
    }

    package var description: String { "\(isSecure ? "https" : "http")://\(authority)\(basePath)" }
}
