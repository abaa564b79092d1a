import TextCodecs

/// The path and query of a request, decoded.
@available(freshet 0.1, *)
package struct RequestTarget: Sendable, Equatable {
    /// As it was sent, without the query.
    package var rawPath: String
    /// Names and values in their order.
    package var query: [(name: String, value: String)]

    package init(_ uri: String) {
        let target = Self.originForm(uri)
        guard let mark = target.utf8.firstIndex(of: UInt8(ascii: "?")) else {
            rawPath = String(target)
            query = []
            return
        }
        rawPath = String(target[..<mark])
        query = target.utf8[mark...].dropFirst().split(separator: UInt8(ascii: "&")).map { pair in
            let sides = pair.split(separator: UInt8(ascii: "="), maxSplits: 1, omittingEmptySubsequences: false)
            let decoded = sides.map {
                PercentEncoding.decode($0, plusIsSpace: true) ?? String(decoding: $0, as: UTF8.self)
            }
            return (decoded[0], decoded.count > 1 ? decoded[1] : "")
        }
    }

    /// Path and query of a target that has a scheme and an authority too (RFC 9112, section 3.2.2): who is asked is
    /// told by `Host`.
    private static func originForm(_ target: String) -> Substring {
        if target.utf8.first == UInt8(ascii: "/") { return target[...] }
        for scheme in ["http://", "https://"] where target.begins(withBytesIgnoringCaseOf: scheme) {
            let rest = target.utf8.dropFirst(scheme.utf8.count)
            let path = rest.drop { $0 != UInt8(ascii: "/") && $0 != UInt8(ascii: "?") }
            return path.first == UInt8(ascii: "/") ? Substring(path) : "/" + Substring(path)
        }
        return target[...]
    }

    /// All values of a parameter.
    package func values(_ name: String) -> [String] { query.filter { $0.name == name }.map(\.value) }

    /// What follows a prefix of the path, percent-decoded; nil when the path has another prefix or cannot be decoded.
    package func pathSuffix(after prefix: String) -> String?? {
        guard rawPath.begins(withBytesOf: prefix) else { return .none }
        let suffix = rawPath.utf8.dropFirst(prefix.utf8.count)
        guard suffix.contains(UInt8(ascii: "%")) else { return .some(String(Substring(suffix))) }
        return .some(PercentEncoding.decode(suffix, plusIsSpace: false))
    }

    package static func == (left: Self, right: Self) -> Bool {
        left.rawPath == right.rawPath && left.query.elementsEqual(right.query, by: ==)
    }
}
