import TextCodecs

/// Looks for keys of this server in what a caller would have passed on.
///
/// The server knows digests of its keys and not the keys, so that it asks of every word whether it is one: of whatever
/// stands between signs that no key has, and of the parts of it (`prefix.KEY`), as it is written, percent-decoded, and
/// out of base64 (`Basic`).
struct KeySearch {
    /// Whether a word is a key.
    let isKey: (String) -> Bool
    /// Words that are still looked at. What has more than these is not looked through, and counts as holding one.
    private var budget = 10_000

    init(isKey: @escaping (String) -> Bool) {
        self.isKey = isKey
    }

    /// The most parts that a key may be made of, where it is itself a part of a longer word.
    private static let mostParts = 24

    mutating func finds(in text: some Sequence<UInt8>) -> Bool { finds(in: Array(text), depth: 0) }

    private mutating func finds(in text: [UInt8], depth: Int) -> Bool {
        for word in text.split(whereSeparator: { !Self.isKeyByte($0) }) {
            if matches(word) || findsPart(of: word) { return true }
            guard depth < 3, let decoded = Self.outOfBase64(word) else { continue }
            if finds(in: decoded, depth: depth + 1) { return true }
        }
        guard depth < 3, let decoded = Self.percentDecoded(text) else { return false }
        return finds(in: decoded, depth: depth + 1)
    }

    private mutating func findsPart(of word: ArraySlice<UInt8>) -> Bool {
        let joints = word.indices.filter { Self.isJoint(word[$0]) }
        guard !joints.isEmpty else { return false }
        let starts = [word.startIndex] + joints.map { $0 + 1 }
        let ends = joints + [word.endIndex]
        for (index, start) in starts.enumerated() {
            for end in ends[index...].prefix(Self.mostParts) where start < end {
                if matches(word[start..<end]) { return true }
            }
        }
        return false
    }

    private mutating func matches(_ word: ArraySlice<UInt8>) -> Bool {
        guard budget > 0 else { return true }
        budget -= 1
        return isKey(String(decoding: word, as: UTF8.self))
    }

    // MARK: -

    /// What a bearer key is made of (RFC 6750, section 2.1).
    private static func isKeyByte(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"):
            true
        default: isJoint(byte)
        }
    }

    /// Of those, the ones that may join a key to something else.
    private static func isJoint(_ byte: UInt8) -> Bool { "-._~+/=".utf8.contains(byte) }

    /// What a word says in base64, in either alphabet; nil where that is no text.
    private static func outOfBase64(_ word: ArraySlice<UInt8>) -> [UInt8]? {
        var output: [UInt8] = []
        var bits: UInt32 = 0
        var count = 0
        for byte in word {
            let value: UInt8
            switch byte {
            case UInt8(ascii: "A")...UInt8(ascii: "Z"): value = byte - UInt8(ascii: "A")
            case UInt8(ascii: "a")...UInt8(ascii: "z"): value = byte - UInt8(ascii: "a") + 26
            case UInt8(ascii: "0")...UInt8(ascii: "9"): value = byte - UInt8(ascii: "0") + 52
            case UInt8(ascii: "+"), UInt8(ascii: "-"): value = 62
            case UInt8(ascii: "/"), UInt8(ascii: "_"): value = 63
            case UInt8(ascii: "="): continue
            default: return nil
            }
            bits = bits << 6 | UInt32(value)
            count += 6
            guard count >= 8 else { continue }
            count -= 8
            let decoded = UInt8(truncatingIfNeeded: bits >> UInt32(count))
            guard decoded >= 0x20, decoded != 0x7F else { return nil }
            output.append(decoded)
        }
        return output.isEmpty ? nil : output
    }

    private static func percentDecoded(_ text: [UInt8]) -> [UInt8]? {
        var output: [UInt8] = []
        var index = 0
        while index < text.count {
            let decoded = PercentEncoding.byte(text, at: index)
            output.append(decoded ?? text[index])
            index += decoded == nil ? 1 : 3
        }
        return output.count == text.count ? nil : output
    }
}
