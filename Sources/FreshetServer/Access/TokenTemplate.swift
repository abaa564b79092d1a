import TextCodecs

/// A right for tokens that have no claim of rights: `read=users/{sub}/`.
///
/// The claim's value is one whole segment of a name, whatever is in it: it widens nothing. What would divide the name, a
/// `/`, is percent-encoded, and so is a `%`, so that no two values are one segment: `a/b` is the segment `a%2Fb` of the
/// name, whose URL has `a%252Fb`. Everything else stands for itself, `*` too.
@available(freshet 0.1, *)
package struct TokenTemplate: Sendable, Hashable, CustomStringConvertible {
    static let form = "each RIGHT=PATTERN, such as read=users/{sub}/"

    private enum Part: Sendable, Hashable {
        case text(String)
        case claim(String)
    }

    package let right: Rights
    private let parts: [Part]
    private let isWhole: Bool
    package let description: String

    /// - Throws: `Refusal` for what is no right, and for a claim that is not a whole segment.
    package init(parsing written: String) throws(Refusal) {
        guard let equals = written.utf8.firstIndex(of: UInt8(ascii: "=")) else {
            throw Refusal("\"\(written)\" is no template; write RIGHT=PATTERN, such as read=users/{sub}/")
        }
        let name = String(written[..<equals].trimmingBlanks())
        guard let right = Rights(name: name) else {
            throw Refusal(
                "\"\(name)\" is no right; write all, or one of \(Rights.named.map(\.name).joined(separator: ", "))"
            )
        }
        let pattern = String(written[written.utf8.index(after: equals)...].trimmingBlanks())
        let prefix = try StreamPrefix(pattern: pattern)
        var parts: [Part] = []
        var rest = prefix.text.utf8[...]
        while let open = rest.firstIndex(of: UInt8(ascii: "{")) {
            guard let close = rest[open...].firstIndex(of: UInt8(ascii: "}")), close > rest.index(after: open) else {
                throw Refusal("\"\(pattern)\" has a { without a claim and its }; write it as {sub}")
            }
            let before = rest[..<open]
            let after = rest[rest.index(after: close)...]
            let beginsSegment = before.last.map { $0 == UInt8(ascii: "/") } ?? parts.isEmpty
            // A * after it is gone by now, and would let in longer values: the end is one only of a whole name.
            let endsSegment = after.first.map { $0 == UInt8(ascii: "/") } ?? prefix.isWhole
            guard beginsSegment, endsSegment else {
                throw Refusal(
                    "\"\(pattern)\" has a claim that is not a whole segment, so that one value would reach the streams of "
                        + "another; put a / before it, and a / or the end of the name after it"
                )
            }
            if !before.isEmpty { parts.append(.text(String(decoding: before, as: UTF8.self))) }
            parts.append(.claim(String(decoding: rest[rest.index(after: open)..<close], as: UTF8.self)))
            rest = after
        }
        guard !rest.contains(UInt8(ascii: "}")) else {
            throw Refusal("\"\(pattern)\" has a } without a {; write a claim as {sub}")
        }
        if !rest.isEmpty { parts.append(.text(String(decoding: rest, as: UTF8.self))) }
        self.right = right
        self.parts = parts
        isWhole = prefix.isWhole
        description = "\(name)=\(pattern)"
    }

    /// The grant for a token, or nil where a claim of it gives none: it is absent, empty, `.` or `..`, or has control
    /// characters.
    ///
    /// - Parameter claim: The text of a claim, by its name; nil unless it is a string.
    package func grant(_ claim: (String) -> String?) -> Caller.Grant? {
        var text = ""
        for part in parts {
            switch part {
            case .text(let fixed): text += fixed
            case .claim(let name):
                guard let segment = claim(name).flatMap(Self.segment) else { return nil }
                text += segment
            }
        }
        return Caller.Grant(right, [isWhole ? .named(text) : .beginning(with: text)])
    }

    /// The segment that a value is; nil for what no name has, and for what several values are decoded as (U+FFFD).
    private static func segment(_ value: String) -> String? {
        let isNone = value.unicodeScalars.contains {
            $0.value < 0x20 || 0x7F...0x9F ~= $0.value || $0.value == 0xFFFD
        }
        guard !isNone, !value.isEmpty, value != ".", value != ".." else { return nil }
        var segment: [UInt8] = []
        for byte in value.utf8 {
            switch byte {
            case UInt8(ascii: "/"): segment += Array("%2F".utf8)
            case UInt8(ascii: "%"): segment += Array("%25".utf8)
            default: segment.append(byte)
            }
        }
        return String(decoding: segment, as: UTF8.self)
    }
}
