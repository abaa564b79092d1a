/// The path under which requests are passed on, such as `/v1/`, or `/live/v1/` at a site that has Freshet under `/live`.
/// It always begins and ends with a slash.
///
/// It holds what every proxy compares as it stands: characters that RFC 3986 (section 3.3) allows in a path without
/// percent-encoding, but for `*`, a wildcard in half of the proxies' rules, and for `'` and `;`, which Traffic
/// Server cannot map. Percent-encoding is refused since one proxy
/// compares paths before they are decoded and another afterwards; so are empty and dotted segments, which some of them
/// take out of a request before they compare it.
@available(freshet 0.1, *)
package struct PathPrefix: Sendable, Equatable {
    package let text: String
    /// What of it the server does not know and the proxy takes away, such as `/live` of `/live/v1/`: empty where it is
    /// the server's own path.
    package let mount: String

    /// What is left of it: the path at the server. It begins and ends with a slash too.
    package var inside: String { String(text.dropFirst(mount.count)) }

    /// - Throws: `ProxyValueError` when the path could mean something else to one of the proxies.
    package init(_ text: String) throws(ProxyValueError) {
        guard text.first == "/" else {
            throw ProxyValueError("The path '\(text)' does not begin with a slash; give one such as /v1/.")
        }
        if let wrong = text.unicodeScalars.first(where: { !Self.allows($0) }) {
            throw ProxyValueError(
                "The path holds '\(wrong.escaped(asASCII: true))', which not every proxy takes as it stands; "
                    + "use letters, digits and -._~!$&()+,=:@ between slashes."
            )
        }
        guard text.utf8.count <= 255 else {
            throw ProxyValueError("The path has \(text.utf8.count) bytes; give one of at most 255.")
        }
        let whole = text.hasSuffix("/") ? text : text + "/"
        let segments = whole.dropFirst().dropLast().split(separator: "/", omittingEmptySubsequences: false)
        if whole != "/", let wrong = segments.first(where: { $0.isEmpty || $0 == "." || $0 == ".." }) {
            throw ProxyValueError(
                wrong.isEmpty
                    ? "The path '\(text)' has two slashes in a row, which proxies make one of; give each only once."
                    : "The path '\(text)' has a segment '\(wrong)', which proxies resolve; give the path that is meant."
            )
        }
        self.text = whole
        mount = Self.mount(of: segments.map(String.init))
    }

    /// The server's own paths begin with one of these.
    private static let own: Set<String> = ["v1", "v1beta", "relay", "health", "metrics"]

    private static func mount(of segments: [String]) -> String {
        // None, or an empty one, is `/`.
        guard segments.first?.isEmpty == false else { return "" }
        return segments.prefix { !own.contains($0) }.map { "/" + $0 }.joined()
    }

    private static func allows(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar {
        case "0"..."9", "A"..."Z", "a"..."z", "-", ".", "_", "~", "!", "$", "&", "(", ")", "+", ",", "=", ":",
            "@", "/":
            true
        default: false
        }
    }
}
