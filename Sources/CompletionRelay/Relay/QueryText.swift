import TextCodecs

/// The query of a request as it was sent, with its question mark.
@available(freshet 0.1, *)
struct QueryText: Sendable, Equatable {
    private let parts: [(text: String, name: String, value: String)]

    init(_ query: String) {
        parts = query.utf8.drop { $0 == UInt8(ascii: "?") }.split(separator: UInt8(ascii: "&")).map { part in
            let sides = part.split(separator: UInt8(ascii: "="), maxSplits: 1, omittingEmptySubsequences: false)
            func decoded(_ side: Substring.UTF8View) -> String {
                PercentEncoding.decode(side, plusIsSpace: true) ?? String(Substring(side))
            }
            return (String(Substring(part)), decoded(sides[0]), sides.count > 1 ? decoded(sides[1]) : "")
        }
    }

    func values(of name: String) -> [String] { parts.filter { $0.name == name }.map(\.value) }

    /// What stands in parameters that are a caller's key.
    var credentials: [String] { parts.filter { Credentials.isParameter($0.name) }.map(\.value) }

    /// The query without a caller's keys, with its question mark where anything is left.
    var withoutCredentials: String {
        let rest = parts.filter { !Credentials.isParameter($0.name) }.map(\.text)
        return rest.isEmpty ? "" : "?" + rest.joined(separator: "&")
    }

    static func == (left: QueryText, right: QueryText) -> Bool { left.parts.map(\.text) == right.parts.map(\.text) }
}
