package import StreamCore
import TextCodecs

/// The header fields that whoever creates a stream may have said in responses in the plain form:
/// `x-vercel-ai-ui-message-stream: v1` tells the AI SDK what follows.
@available(freshet 0.1, *)
package enum PlainResponseFields {
    /// The most fields.
    package static let most = 8
    /// The most bytes of their names and values.
    package static let bytes = 1024

    package static let expected =
        "up to \(most) fields, `x-name: value`, separated by commas, at most \(bytes) bytes together: each name once and "
        + "beginning with x-, none that rules a page, a browser or a proxy, and values of printable ASCII without commas"

    /// The fields as they are kept; nil where one of them may not be.
    package static func checked(_ fields: [(name: String, value: String)]) -> [StreamOptions.ResponseField]? {
        let kept = fields.map { StreamOptions.ResponseField(name: $0.name.lowercased(), value: $0.value) }
            .sorted { $0.name < $1.name }
        let size = kept.reduce(0) { $0 + $1.name.utf8.count + $1.value.utf8.count }
        guard kept.count <= most, size <= bytes, Set(kept.map(\.name)).count == kept.count,
            kept.allSatisfy({ mayBeSaid($0.name) && isValue($0.value) })
        else { return nil }
        return kept
    }

    /// Fields from the text of a header field.
    package static func parse(_ text: String) -> [StreamOptions.ResponseField]? {
        var fields: [(name: String, value: String)] = []
        for part in text.split(separator: ",", omittingEmptySubsequences: false) {
            let sides = part.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
            guard sides.count == 2 else { return nil }
            fields.append((String(sides[0].trimmingBlanks()), String(sides[1].trimmingBlanks())))
        }
        return checked(fields)
    }

    package static func text(_ fields: [StreamOptions.ResponseField]) -> String {
        fields.map { "\($0.name): \($0.value)" }.joined(separator: ", ")
    }

    /// Fields of applications only: none that means anything to a browser, a proxy or this server.
    private static func mayBeSaid(_ name: String) -> Bool {
        name.utf8.starts(with: "x-".utf8) && name.utf8.count > 2 && ForeignFields.isName(name)
            && !ForeignFields.isReserved(name) && !ofOthers.contains(name)
            && !beginningsOfOthers.contains { name.utf8.starts(with: $0.utf8) }
    }

    private static let ofOthers: Set<String> = [
        "x-dns-prefetch-control", "x-download-options", "x-pingback", "x-real-ip", "x-robots-tag", "x-should-retry",
    ]
    private static let beginningsOfOthers = [
        "x-cache", "x-forwarded-", "x-middleware-", "x-nextjs-", "x-original-", "x-proxy-", "x-rewrite-", "x-varnish",
    ]

    private static func isValue(_ value: String) -> Bool {
        !value.isEmpty && value.utf8.allSatisfy { 0x20...0x7E ~= $0 && $0 != UInt8(ascii: ",") }
            && value.utf8.first != 0x20 && value.utf8.last != 0x20
    }
}
