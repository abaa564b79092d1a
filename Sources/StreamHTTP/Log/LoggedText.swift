package import Logging
import PrintableText
import TextCodecs

/// What strangers wrote, as a line of the log has it.
@available(freshet 0.1, *)
package enum LoggedText {
    /// The path of a target, without what may follow or precede it: a query may hold a secret, and so may the user
    /// information of a URL.
    ///
    /// - Parameter isSecret: whether a segment may not be told, as it was sent or decoded.
    package static func path(of uri: String, _ isSecret: (String) -> Bool = { _ in false }) -> String {
        var path = Array(uri.utf8.prefix { $0 != UInt8(ascii: "?") && $0 != UInt8(ascii: "#") })
        // In absolute form it is what follows the authority.
        if path.first != UInt8(ascii: "/"), let colon = path.firstIndex(of: UInt8(ascii: ":")),
            path[colon...].dropFirst().starts(with: "//".utf8)
        {
            path = Array(path[colon...].dropFirst(3).drop { $0 != UInt8(ascii: "/") })
        }
        guard path.first == UInt8(ascii: "/") || path == Array("*".utf8) else { return "-" }
        var text: [UInt8] = []
        let segments = path.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false)
        for (index, segment) in segments.enumerated() {
            // What is not told is not looked at.
            guard text.count <= pathBytes else { break }
            if index > 0 { text.append(UInt8(ascii: "/")) }
            text += masked(segment, isSecret)
        }
        return short(String(decoding: text, as: UTF8.self), pathBytes)
    }

    /// Of a path, as much is told.
    private static let pathBytes = 200
    /// A key has at most so many words with punctuation between them: a session cookie has three.
    private static let wordsOfKey = 6
    /// No more bytes are compared at once; of a segment as a whole it does not matter.
    private static let longestKey = 1024
    private static let mask = Array("(key)".utf8)

    /// The beginning of a segment, with the keys that are in it masked: all of it, or some of what punctuation divides.
    private static func masked(_ segment: ArraySlice<UInt8>, _ isSecret: (String) -> Bool) -> [UInt8] {
        guard segment.contains(UInt8(ascii: "%")) else { return maskedWords(segment, isSecret).text }
        guard let decoded = PercentEncoding.decode(segment, plusIsSpace: false) else {
            return maskedWords(segment, isSecret).text
        }
        // Where a key is in what was escaped, nothing of it is told.
        if maskedWords(Array(decoded.utf8)[...], isSecret).hasKey { return mask }
        return maskedWords(segment, isSecret).text
    }

    private static func maskedWords(
        _ segment: ArraySlice<UInt8>,
        _ isSecret: (String) -> Bool
    ) -> (text: [UInt8], hasKey: Bool) {
        if isSecret(String(decoding: segment, as: UTF8.self)) { return (mask, true) }
        var text: [UInt8] = []
        var hasKey = false
        var rest = segment
        while text.count <= pathBytes {
            // A key may have punctuation in it: the longest that is one counts.
            let near = rest.prefix(longestKey)
            var ends = Array(near.indices.lazy.filter { divides(segment[$0]) }.prefix(wordsOfKey))
            ends.append(near.endIndex)
            let found = ends.last { end in
                end > rest.startIndex && isSecret(String(decoding: rest[..<end], as: UTF8.self))
            }
            if let found {
                hasKey = true
                text += mask
                rest = rest[found...]
            }
            guard let next = rest.firstIndex(where: divides) else {
                text += rest
                break
            }
            text += rest[...next]
            rest = rest[(next + 1)...]
        }
        return (text, hasKey)
    }

    /// Whether a byte may stand between a key and what is beside it: a delimiter or a full stop (RFC 3986, section 2.2).
    private static func divides(_ byte: UInt8) -> Bool { ".~:/?#[]@!$&'()*+,;=|".utf8.contains(byte) }

    /// Seconds, to the millisecond.
    package static func seconds(_ duration: Duration) -> Logger.MetadataValue {
        .stringConvertible((duration / .milliseconds(1)).rounded() / 1000)
    }

    /// The beginning of a text, with what drives terminals as escapes.
    package static func short(_ text: String, _ length: Int) -> String {
        let beginning = String(decoding: text.utf8.prefix(length), as: UTF8.self)
        return PrintableText.escaped(beginning) + (text.utf8.count > length ? "…" : "")
    }
}
