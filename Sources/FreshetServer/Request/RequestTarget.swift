import TextCodecs

/// The path and query of a request, decoded.
package struct RequestTarget: Sendable, Equatable {
    /// As it was sent, without the query.
    package var rawPath: String
    /// Names and values in their order.
    package var query: [(name: String, value: String)]

    package init(_ uri: String) {
        let parts = Self.originForm(uri.utf8).split(
            separator: UInt8(ascii: "?"),
            maxSplits: 1,
            omittingEmptySubsequences: false
        )
        rawPath = String(decoding: parts[0], as: UTF8.self)
        query =
            parts.count < 2
            ? []
            : parts[1].split(separator: UInt8(ascii: "&"), omittingEmptySubsequences: true).map { pair in
                let sides = pair.split(separator: UInt8(ascii: "="), maxSplits: 1, omittingEmptySubsequences: false)
                let decoded = sides.map {
                    PercentEncoding.decode($0, plusIsSpace: true) ?? String(decoding: $0, as: UTF8.self)
                }
                return (decoded[0], decoded.count > 1 ? decoded[1] : "")
            }
    }

    /// Path and query of a target that has a scheme and an authority too (RFC 9112, section 3.2.2): who is asked is
    /// told by `Host`.
    private static func originForm(_ target: String.UTF8View) -> Substring.UTF8View {
        for scheme in ["http://", "https://"]
        where target.prefix(scheme.utf8.count).elementsEqual(scheme.utf8, by: { $0 | 0x20 == $1 | 0x20 }) {
            let rest = target.dropFirst(scheme.utf8.count)
            let path = rest.drop { $0 != UInt8(ascii: "/") && $0 != UInt8(ascii: "?") }
            return path.first == UInt8(ascii: "/") ? path : Substring("/" + String(Substring(path))).utf8
        }
        return target[...]
    }

    /// All values of a parameter.
    package func values(_ name: String) -> [String] { query.filter { $0.name == name }.map(\.value) }

    /// What follows a prefix of the path, percent-decoded; nil when the path has another prefix or cannot be decoded.
    package func pathSuffix(after prefix: String) -> String?? {
        guard rawPath.utf8.starts(with: prefix.utf8) else { return .none }
        return .some(PercentEncoding.decode(rawPath.utf8.dropFirst(prefix.utf8.count), plusIsSpace: false))
    }

    package static func == (left: Self, right: Self) -> Bool {
        left.rawPath == right.rawPath && left.query.elementsEqual(right.query, by: ==)
    }
}
