import TextCodecs

/// What follows `/v1` in a request, where it means one thing to every upstream.
///
/// An upstream may decode a path once, twice, or not at all, and may then resolve its segments as a file system, a
/// Java container or Windows does. A path is kept in each of its decodings and compared in all of them; what any of
/// these readers could take for something else than its segments one below the other is refused.
@available(freshet 0.1, *)
package struct UpstreamPath: Sendable {
    /// Why a path is none, as a sentence says it: "It has …".
    package struct Ambiguity: Error, Sendable, Equatable {
        package var reason: String
    }

    /// The path as it was sent, decoded once, and so on until decoding changes nothing.
    private let decodings: [[UInt8]]

    /// More than anybody encodes in good faith.
    private static let mostDecodings = 4

    package init(_ text: String) throws(Ambiguity) {
        var path = Array(text.utf8)
        guard path.isEmpty || path[0] == UInt8(ascii: "/") else {
            throw Ambiguity(reason: "does not begin with a slash")
        }
        guard path.allSatisfy(Self.isPathByte) else {
            throw Ambiguity(reason: "has a character that stands in no path unencoded, or a ;")
        }
        let slashes = Self.slashes(path)
        var decodings: [[UInt8]] = []
        while true {
            try Self.check(path, slashes: slashes)
            decodings.append(path)
            guard let decoded = try Self.decoded(path, isSent: decodings.count == 1) else { break }
            guard decodings.count < Self.mostDecodings else { throw Ambiguity(reason: "is percent-encoded too often") }
            path = decoded
        }
        self.decodings = decodings
    }

    /// The path with nothing left to decode.
    var decoded: String { String(decoding: decodings[decodings.count - 1], as: UTF8.self) }

    /// Whether this is the other path, or lies below it, however often an upstream decodes it. One that ends with `/*`
    /// stands for what lies below it only.
    package func isBelow(_ other: String) -> Bool {
        if other.utf8.suffix(2).elementsEqual("/*".utf8) {
            let folder = other.utf8.dropLast()
            return decodings.allSatisfy { $0.count > folder.count && $0.starts(with: folder) }
        }
        return decodings.allSatisfy { path in
            path.starts(with: other.utf8)
                && (path.count == other.utf8.count || path[other.utf8.count] == UInt8(ascii: "/"))
        }
    }

    // MARK: -

    /// What stands in a path without being encoded (RFC 3986, section 3.3), but for `;`: what follows it belongs to the
    /// segment for some, and is taken off for others.
    private static func isPathByte(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"):
            true
        default: "/%-._~!$&'()*+,=:@".utf8.contains(byte)
        }
    }

    /// One reading of a path.
    private static func check(_ path: [UInt8], slashes: Int) throws(Ambiguity) {
        guard Self.slashes(path) == slashes else { throw Ambiguity(reason: "has an encoded slash") }
        for byte in path {
            switch byte {
            case 0...0x1F, 0x7F: throw Ambiguity(reason: "has a control character")
            case UInt8(ascii: "\\"): throw Ambiguity(reason: "has a backslash")
            case UInt8(ascii: ";"), UInt8(ascii: "?"), UInt8(ascii: "#"):
                throw Ambiguity(reason: "has an encoded ;, ? or #")
            default: continue
            }
        }
        guard let text = String(utf8: path) else { throw Ambiguity(reason: "is not UTF-8") }
        // Signs that look like a dot, a slash or a percent sign become one where a path is folded to ASCII.
        guard text.unicodeScalars.allSatisfy({ $0.isASCII || isLetter($0) }) else {
            throw Ambiguity(reason: "has a sign that is neither ASCII nor a letter")
        }
        let segments = path.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false).dropFirst()
        for segment in segments.dropLast() where segment.isEmpty { throw Ambiguity(reason: "has an empty segment") }
        for segment in segments where !segment.isEmpty {
            // Windows takes dots and blanks off the end of a name, and who reads a path as a form has + for a blank.
            guard segment.contains(where: { !". +".utf8.contains($0) }) else {
                throw Ambiguity(reason: "has a segment of nothing but dots and blanks")
            }
        }
    }

    private static func slashes(_ path: [UInt8]) -> Int { path.count { $0 == UInt8(ascii: "/") } }

    static func isLetter(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.properties.generalCategory {
        case .uppercaseLetter, .lowercaseLetter, .titlecaseLetter, .modifierLetter, .otherLetter, .nonspacingMark,
            .spacingMark, .decimalNumber:
            true
        default: false
        }
    }

    /// The path with its percent-encodings taken for what they stand for; nil where there are none.
    ///
    /// - Parameter isSent: as it was sent a percent sign begins an encoding. Later it may be a sign of the path.
    private static func decoded(_ path: [UInt8], isSent: Bool) throws(Ambiguity) -> [UInt8]? {
        var output: [UInt8] = []
        output.reserveCapacity(path.count)
        var index = 0
        while index < path.count {
            let byte = path[index]
            if let decoded = PercentEncoding.byte(path, at: index) {
                output.append(decoded)
                index += 3
                continue
            }
            if byte == UInt8(ascii: "%") {
                guard !isSent else { throw Ambiguity(reason: "has a % without two hexadecimal digits") }
                // IIS knows `%uXXXX`.
                guard index + 1 == path.count || path[index + 1] | 0x20 != UInt8(ascii: "u") else {
                    throw Ambiguity(reason: "has an encoding that only some know, %u")
                }
            }
            output.append(byte)
            index += 1
        }
        return output.count == path.count ? nil : output
    }
}

@available(freshet 0.1, *)
extension String {
    /// A path without one slash at its end, which says nothing to most servers.
    package var withoutFinalSlash: String {
        utf8.last == UInt8(ascii: "/") ? String(decoding: utf8.dropLast(), as: UTF8.self) : self
    }
}
