/// Texts of somebody else, as a terminal or a log may show them.
///
/// A name, a detail or a header field that a stranger chose must not move the cursor, colour the screen, begin a line
/// of a log, or turn the order of what stands around it. What could is written as the escape of its number: `\u{9B}`.
@available(freshet 0.1, *)
package enum PrintableText {
    /// Whether a terminal may do something else with it than show it: the controls (C0, DEL and C1), the line and
    /// paragraph separators, and the marks, embeddings, overrides and isolates of bidirectional text (UAX #9).
    package static func isCommand(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.value {
        case 0..<0x20, 0x7F...0x9F, 0x61C, 0x200E...0x200F, 0x2028...0x202E, 0x2066...0x2069: true
        default: false
        }
    }

    /// The text with each of them as its escape.
    ///
    /// - Parameter keepsLines: line feeds and tabs stay as they are.
    package static func escaped(_ text: String, keepsLines: Bool = false) -> String {
        func isKept(_ scalar: Unicode.Scalar) -> Bool {
            !isCommand(scalar) || (keepsLines && (scalar == "\n" || scalar == "\t"))
        }
        guard !text.unicodeScalars.allSatisfy(isKept) else { return text }
        var result = ""
        for scalar in text.unicodeScalars {
            if isKept(scalar) {
                result.unicodeScalars.append(scalar)
            } else {
                result += "\\u{" + String(scalar.value, radix: 16, uppercase: true) + "}"
            }
        }
        return result
    }

    /// The same of bytes. What is not UTF-8 becomes U+FFFD: a byte alone is a control too, to some terminals.
    package static func escaped(_ bytes: [UInt8], keepsLines: Bool = false) -> String {
        escaped(String(decoding: bytes, as: UTF8.self), keepsLines: keepsLines)
    }

    /// A JSON text that means the same and has them as escapes of JSON. Those below U+0020 are none in its strings
    /// anyway, and stay where they separate.
    package static func escaped(json: [UInt8]) -> [UInt8] {
        // Two and three bytes of UTF-8 that begin what is looked for; most texts have none.
        guard json.contains(where: { $0 == 0x7F || $0 == 0xC2 || $0 == 0xD8 || $0 == 0xE2 }) else { return json }
        var result = ""
        for scalar in String(decoding: json, as: UTF8.self).unicodeScalars {
            if scalar.value >= 0x7F, isCommand(scalar) {
                let digits = String(scalar.value, radix: 16)
                result += "\\u" + String(repeating: "0", count: 4 - digits.utf8.count) + digits
            } else {
                result.unicodeScalars.append(scalar)
            }
        }
        return Array(result.utf8)
    }
}
