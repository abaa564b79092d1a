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
                let decoded = sides.map { Self.decode($0, plusIsSpace: true) ?? String(decoding: $0, as: UTF8.self) }
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
        return .some(Self.decode(rawPath.utf8.dropFirst(prefix.utf8.count), plusIsSpace: false))
    }

    package static func == (left: Self, right: Self) -> Bool {
        left.rawPath == right.rawPath && left.query.elementsEqual(right.query, by: ==)
    }

    /// Percent-decoded UTF-8, or nil when an escape is broken or the bytes are not UTF-8.
    package static func decode(_ text: some Sequence<UInt8>, plusIsSpace: Bool) -> String? {
        var bytes: [UInt8] = []
        var iterator = text.makeIterator()
        while let byte = iterator.next() {
            switch byte {
            case UInt8(ascii: "%"):
                guard let high = iterator.next().flatMap(hexValue), let low = iterator.next().flatMap(hexValue) else {
                    return nil
                }
                bytes.append(high << 4 | low)
            case UInt8(ascii: "+") where plusIsSpace: bytes.append(UInt8(ascii: " "))
            default: bytes.append(byte)
            }
        }
        return String(validating: bytes, as: UTF8.self)
    }

    /// A path as it goes into a URL: everything but unreserved characters and the slash is escaped.
    package static func encodePath(_ path: String) -> String {
        var output = ""
        for byte in path.utf8 {
            switch byte {
            case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "a")...UInt8(ascii: "z"),
                UInt8(ascii: "A")...UInt8(ascii: "Z"):
                output.unicodeScalars.append(Unicode.Scalar(byte))
            case _ where "-._~/!$&'()*,;=:@".utf8.contains(byte): output.unicodeScalars.append(Unicode.Scalar(byte))
            default:
                let digits = String(byte, radix: 16, uppercase: true)
                output += digits.count == 1 ? "%0\(digits)" : "%\(digits)"
            }
        }
        return output
    }

    private static func hexValue(_ byte: UInt8) -> UInt8? {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): byte - UInt8(ascii: "0")
        case UInt8(ascii: "a")...UInt8(ascii: "f"): byte - UInt8(ascii: "a") + 10
        case UInt8(ascii: "A")...UInt8(ascii: "F"): byte - UInt8(ascii: "A") + 10
        default: nil
        }
    }
}
