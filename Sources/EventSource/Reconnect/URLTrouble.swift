import TextCodecs

/// Why a text is no URL that can be requested, for the person who typed it.
@available(freshet 0.1, *)
package enum URLTrouble {
    /// Whether it begins as a URL does, whatever its scheme.
    package static func isURL(_ text: String) -> Bool {
        text.utf8.contains("://".utf8)
    }

    /// One sentence without its full stop: what is wrong with a text that ``Target`` does not take, and what to write.
    package static func describe(_ text: String, example: String) -> String {
        let bytes = Array(text.utf8)
        guard let separator = bytes.firstRange(of: "://".utf8)?.lowerBound else {
            return "'\(text)' does not begin with http:// or https://; give a URL such as \(example)"
        }
        let scheme = String(decoding: bytes[..<separator], as: UTF8.self)
        guard ["http", "https"].contains(scheme.lowercased()) else {
            return "'\(text)' begins with '\(scheme)://', not with http:// or https://; give a URL such as \(example)"
        }
        let rest = bytes[(separator + 3)...]
        let authority = rest.prefix { !"/?#".utf8.contains($0) }
        let hostAndPort = authority.split(separator: UInt8(ascii: "@"), omittingEmptySubsequences: false).last ?? []
        if hostAndPort.isEmpty || hostAndPort.first == UInt8(ascii: ":") {
            return "'\(text)' names no host; give a URL such as \(example)"
        }
        if let character = unsendable(in: hostAndPort) {
            return "the host of '\(text)' has \(character); a host name has ASCII letters only, an international one "
                + "its 'xn--' form"
        }
        if let character = unsendable(in: rest.dropFirst(authority.count)) {
            return "'\(text)' has \(character), which a URL has percent-encoded; write \(encoded(text))"
        }
        if hasStrayPercent(rest) {
            return "'\(text)' has a % that no two hexadecimal digits follow; a percent sign itself is %25"
        }
        if let port = port(of: hostAndPort), UInt16(port) ?? 0 == 0 {
            return "the port of '\(text)' is '\(port)', not a number from 1 to 65535"
        }
        return "'\(text)' is not an http or https URL; give one such as \(example)"
    }

    /// The first character that no URL has as it is (RFC 3986), in words.
    private static func unsendable(in bytes: ArraySlice<UInt8>) -> String? {
        let text = String(decoding: bytes, as: UTF8.self)
        guard let scalar = text.unicodeScalars.first(where: { !$0.isASCII || !isSendable(UInt8($0.value)) }) else {
            return nil
        }
        switch scalar.value {
        case 0x20: return "a space"
        case ..<0x20, 0x7F...0x9F: return "a control character"
        default: return "the character '\(Character(scalar))'"
        }
    }

    private static func isSendable(_ byte: UInt8) -> Bool {
        byte > 0x20 && byte < 0x7F && !#""<>\^`{|}"#.utf8.contains(byte)
    }

    /// The same URL with the bytes that it cannot have percent-encoded.
    private static func encoded(_ text: String) -> String {
        var result = ""
        for byte in text.utf8 {
            if isSendable(byte) {
                result.unicodeScalars.append(Unicode.Scalar(byte))
            } else {
                result += "%" + Hexadecimal.text([byte]).uppercased()
            }
        }
        return result
    }

    private static func hasStrayPercent(_ bytes: ArraySlice<UInt8>) -> Bool {
        bytes.indices.contains { index in
            guard bytes[index] == UInt8(ascii: "%") else { return false }
            let digits = bytes[(index + 1)...].prefix(2)
            return digits.count < 2 || !digits.allSatisfy { Hexadecimal.value($0) != nil }
        }
    }

    /// What is behind the colon of a host and port; an IPv6 address has its colons in brackets.
    private static func port(of authority: ArraySlice<UInt8>) -> String? {
        guard let colon = authority.lastIndex(of: UInt8(ascii: ":")),
            !authority[colon...].contains(UInt8(ascii: "]")), colon + 1 < authority.endIndex
        else { return nil }
        return String(decoding: authority[(colon + 1)...], as: UTF8.self)
    }
}
