import Foundation

extension ServerAddress {
    /// Where the probe of a server is looked for, from any URL of it: that of the server, of a path below which a proxy
    /// has it, of one of its streams, or of the probe.
    ///
    /// - Returns: Nil for what is no http or https URL.
    package init?(url text: String) {
        guard let url = Self.parsed(text) else { return nil }
        var path = url.path(percentEncoded: true)
        for known in ["/v1/stream/", "/v1/streams", "/v1/probe"] {
            if let range = path.range(of: known) {
                path = String(path[..<range.lowerBound])
                break
            }
        }
        while path.utf8.last == UInt8(ascii: "/") { path.removeLast() }
        self.init(url, path: path)
    }

    /// Exactly this URL, its query included.
    ///
    /// - Returns: Nil for what is no http or https URL.
    package init?(resource text: String) {
        guard let url = Self.parsed(text) else { return nil }
        let path = url.path(percentEncoded: true)
        self.init(url, path: (path.isEmpty ? "/" : path) + (url.query(percentEncoded: true).map { "?\($0)" } ?? ""))
    }

    private static func parsed(_ text: String) -> URL? {
        guard let url = URL(string: text, encodingInvalidCharacters: false), let scheme = url.scheme?.lowercased(),
            scheme == "http" || scheme == "https", url.host()?.isEmpty == false, (1...65_535).contains(url.port ?? 80)
        else {
            return nil
        }
        return url
    }

    private init(_ url: URL, path: String) {
        let isSecure = url.scheme?.lowercased() == "https"
        let host = url.host() ?? ""
        self.init(
            isSecure: isSecure,
            host: host.hasPrefix("[") ? String(host.dropFirst().dropLast()) : host,
            port: url.port ?? (isSecure ? 443 : 80),
            basePath: path
        )
    }
}
