import TextCodecs

/// Looks for keys of this server in what a caller would have passed on.
///
/// The server knows digests of its keys and not the keys, so that it asks of every word whether it is one: of whatever
/// stands between signs that no key has, and of the parts of it (`prefix.KEY`), as it is written, percent-decoded, and
/// out of base64 (`Basic`, `token=`, the parts of a JWT).
@available(freshet 0.1, *)
struct KeySearch {
    /// Whether a word is a key.
    let isKey: (String) -> Bool
    /// How much is still looked at, mostly words. What has more is not looked through, and counts as holding a key.
    private(set) var budget: Int

    /// Of one search. The longest tokens of others take a part of it.
    static let wholeBudget = 10_000

    init(isKey: @escaping (String) -> Bool, budget: Int = KeySearch.wholeBudget) {
        self.isKey = isKey
        self.budget = budget
    }

    private static let backslash = UInt8(ascii: "\\")
    /// The shortest key that a keys file takes as it is.
    private static let longWord = 16
    /// The most parts that a key may be made of, where it is itself a part of a longer word.
    private static let mostParts = 16

    mutating func finds(in text: some Sequence<UInt8>) -> Bool { finds(in: Array(text), depth: 0) }

    private mutating func finds(in text: [UInt8], depth: Int) -> Bool {
        for word in text.split(whereSeparator: { !Self.isKeyByte($0) }) {
            if matches(word) || findsPart(of: word) { return true }
            if depth < 3, findsInBase64(word, depth: depth + 1) { return true }
        }
        guard depth < 3 else { return false }
        // What stands behind one in a quoted string means itself (RFC 9110, section 5.6.4), and so does a slash in JSON.
        if text.contains(Self.backslash), finds(in: text.filter { $0 != Self.backslash }, depth: depth + 1) {
            return true
        }
        guard let decoded = Self.percentDecoded(text) else { return false }
        return finds(in: decoded, depth: depth + 1)
    }

    private mutating func findsPart(of word: ArraySlice<UInt8>) -> Bool {
        let joints = word.indices.filter { Self.isJoint(word[$0]) }
        guard !joints.isEmpty else { return false }
        let starts = [word.startIndex] + joints.map { $0 + 1 }
        let ends = joints + [word.endIndex]
        // Where a token ends its claims, and may end itself: as places in `ends`.
        let dots = joints.indices.filter { word[joints[$0]] == UInt8(ascii: ".") }
        var next = 0
        for (index, start) in starts.enumerated() {
            let near = ends[index...].prefix(Self.mostParts)
            for end in near where start < end { if matches(word[start..<end]) { return true } }
            while next < dots.count, dots[next] < index { next += 1 }
            guard dots.count - next >= 2, word[start] == Self.beginningOfToken else { continue }
            let last = next + 2 < dots.count ? dots[next + 2] : joints.count
            for end in ends[max(near.endIndex, dots[next + 1] + 1)...].prefix(while: { $0 <= ends[last] }) {
                // Of so many long words each costs what it takes.
                budget -= (end - start) / 256
                if matches(word[start..<end]) { return true }
            }
        }
        return false
    }

    /// A signed token is base64 of `{` and two dots: it has as many parts as chance gave its signature.
    private static let beginningOfToken = UInt8(ascii: "e")

    /// Base64 may begin wherever a part of the word does: four of its own signs are joints too.
    private mutating func findsInBase64(_ word: ArraySlice<UInt8>, depth: Int) -> Bool {
        for run in word.split(whereSeparator: { Self.sextet($0) == nil }) {
            // By the place in four signs: what begins later in a text that was searched is a part of that.
            var searched: Set<Int> = []
            for start in [run.startIndex] + run.indices.filter({ Self.isJoint(run[$0]) }).map({ $0 + 1 })
            where !searched.contains(start % 4) {
                let (text, isWhole) = Self.outOfBase64(run[start...], while: Self.isText)
                budget -= 1 + text.count / 64
                guard budget > 0 else { return true }
                guard isWhole, !text.isEmpty else { continue }
                searched.insert(start % 4)
                if finds(in: text, depth: depth) { return true }
            }
            if findsInBinary(run) { return true }
        }
        return false
    }

    /// What base64 says may be no text, such as a message of gRPC. In it only words are looked at that no chance makes.
    private mutating func findsInBinary(_ run: ArraySlice<UInt8>) -> Bool {
        guard run.count * 3 / 4 >= Self.longWord else { return false }
        for start in run.indices.prefix(4) {
            let bytes = Self.outOfBase64(run[start...], while: { _ in true }).bytes
            budget -= 1 + bytes.count / 64
            guard budget > 0 else { return true }
            // Otherwise it was searched as a text.
            guard !bytes.allSatisfy(Self.isText) else { continue }
            for word in bytes.split(whereSeparator: { !Self.isKeyByte($0) }) where word.count >= Self.longWord {
                if matches(word) || findsPart(of: word) { return true }
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

    /// What a sign of base64 stands for, in either alphabet; nil for another sign, the padding included.
    private static func sextet(_ byte: UInt8) -> UInt8? {
        switch byte {
        case UInt8(ascii: "A")...UInt8(ascii: "Z"): byte - UInt8(ascii: "A")
        case UInt8(ascii: "a")...UInt8(ascii: "z"): byte - UInt8(ascii: "a") + 26
        case UInt8(ascii: "0")...UInt8(ascii: "9"): byte - UInt8(ascii: "0") + 52
        case UInt8(ascii: "+"), UInt8(ascii: "-"): 62
        case UInt8(ascii: "/"), UInt8(ascii: "_"): 63
        default: nil
        }
    }

    /// What signs of base64 say, as far as each byte is accepted, and whether all are.
    private static func outOfBase64(
        _ signs: ArraySlice<UInt8>,
        while accepts: (UInt8) -> Bool
    ) -> (bytes: [UInt8], isWhole: Bool) {
        var output: [UInt8] = []
        var bits: UInt32 = 0
        var count = 0
        for sign in signs {
            guard let value = sextet(sign) else { return (output, false) }
            bits = bits << 6 | UInt32(value)
            count += 6
            guard count >= 8 else { continue }
            count -= 8
            let decoded = UInt8(truncatingIfNeeded: bits >> UInt32(count))
            guard accepts(decoded) else { return (output, false) }
            output.append(decoded)
        }
        return (output, true)
    }

    /// Whether a byte stands in what people encode: the line feed of `echo KEY | base64`, the NULs of SASL's `PLAIN`.
    private static func isText(_ byte: UInt8) -> Bool {
        byte >= 0x20 && byte != 0x7F || [0, UInt8(ascii: "\t"), UInt8(ascii: "\n"), UInt8(ascii: "\r")].contains(byte)
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
