/// The bytes of a name or a pattern. Texts are never compared: two names may look the same.
typealias NameBytes = [UInt8]

/// One right as somebody wrote it down. What it reaches is decided here byte by byte, with nothing of the server's.
struct WrittenGrant: Sendable, CustomStringConvertible {
    enum Pattern: Sendable {
        /// As the keys file has it: what names begin with.
        case keysFile(String)
        /// As tokens and sessions have it: a whole name, unless it ends in `/` or `*`.
        case token(String)
        /// As a template has it, with the claims of the token. An absent claim has no text.
        case template(String, [String: String])
        /// As a session has it that is for a right wherever there is one.
        case everywhere
    }

    var right: String
    var pattern: Pattern

    func gives(_ wanted: String, on name: String) -> Bool {
        guard right == wanted || (right == "all" && wanted != "inspect") else { return false }
        let name = NameBytes(name.utf8)
        switch pattern {
        case .keysFile(let text):
            let bytes = NameBytes(text.utf8)
            return Self.begins(name, bytes.last == Self.star ? Array(bytes.dropLast()) : bytes)
        case .token(let text):
            let bytes = NameBytes(text.utf8)
            switch bytes.last {
            case Self.star: return Self.begins(name, Array(bytes.dropLast()))
            case Self.slash: return Self.begins(name, bytes)
            default: return name.count == bytes.count && Self.begins(name, bytes)
            }
        case .template(let text, let claims):
            return Self.fits(Self.segments(name), text, claims)
        case .everywhere: return true
        }
    }

    private static let star = UInt8(ascii: "*")
    private static let slash = UInt8(ascii: "/")
    private static let percent = UInt8(ascii: "%")

    private static func segments(_ name: NameBytes) -> [NameBytes] {
        name.split(separator: slash, omittingEmptySubsequences: false).map { NameBytes($0) }
    }

    private static func begins(_ name: NameBytes, _ beginning: NameBytes) -> Bool {
        guard name.count >= beginning.count else { return false }
        for index in 0..<beginning.count where name[index] != beginning[index] { return false }
        return true
    }

    /// Segment by segment: a claim is one whole segment, and the last segment of a template may be a beginning.
    private static func fits(_ segments: [NameBytes], _ template: String, _ claims: [String: String]) -> Bool {
        let wanted = Self.segments(NameBytes(template.utf8))
        // A claim that is no segment gives nothing, wherever it stands.
        for segment in wanted where claimName(segment) != nil && value(of: segment, claims) == nil { return false }
        guard segments.count >= wanted.count else { return false }
        for (index, segment) in wanted.enumerated() {
            let isLast = index == wanted.count - 1
            if isLast, segment.isEmpty || segment.last == star {
                return begins(segments[index], Array(segment.last == star ? segment.dropLast() : segment[...]))
            }
            guard segments[index] == value(of: segment, claims) ?? segment else { return false }
        }
        return segments.count == wanted.count
    }

    private static func claimName(_ segment: NameBytes) -> String? {
        guard segment.first == UInt8(ascii: "{"), segment.last == UInt8(ascii: "}") else { return nil }
        return String(decoding: segment.dropFirst().dropLast(), as: UTF8.self)
    }

    private static func value(of segment: NameBytes, _ claims: [String: String]) -> NameBytes? {
        guard let name = claimName(segment), let text = claims[name] else { return nil }
        let isSegment =
            !["", ".", ".."].contains(text)
            && !text.unicodeScalars.contains { $0.value < 32 || (127...159).contains($0.value) || $0.value == 0xFFFD }
        guard isSegment else { return nil }
        // Encoded, so that it is one segment, and none that another value is.
        return text.utf8.flatMap { $0 == slash ? NameBytes("%2F".utf8) : $0 == percent ? NameBytes("%25".utf8) : [$0] }
    }

    var description: String {
        switch pattern {
        case .keysFile(let text), .token(let text): "\(right) \(text)"
        case .template(let text, let claims): "\(right) \(text) with \(claims.sorted { $0.key < $1.key })"
        case .everywhere: "\(right) everywhere"
        }
    }
}

/// Somebody, with all the rights that he has.
struct RightsHolder: Sendable {
    var grants: [WrittenGrant]
    /// What a session was narrowed to; nil for one that was not.
    var wish: [WrittenGrant]?

    func holds(_ right: String, on name: String) -> Bool {
        guard !Self.isReserved(name) else { return false }
        guard grants.contains(where: { $0.gives(right, on: name) }) else { return false }
        return wish.map { $0.contains { $0.gives(right, on: name) } } ?? true
    }

    /// From here on a session is shown that was asked for.
    mutating func narrow(_ wish: [WrittenGrant]) {
        self.wish = wish.isEmpty ? [WrittenGrant(right: "read", pattern: .everywhere)] : wish
    }

    /// What begins so is the server's own.
    private static func isReserved(_ name: String) -> Bool { name.utf8.starts(with: "__freshet/".utf8) }

    /// Whether a text can name a stream.
    static func isName(_ text: String) -> Bool {
        let bytes = NameBytes(text.utf8)
        let segments = bytes.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false)
        return bytes.count <= 512 && !text.unicodeScalars.contains { $0.value < 32 || (127...159).contains($0.value) }
            && segments.allSatisfy { !$0.isEmpty && !$0.elementsEqual(".".utf8) && !$0.elementsEqual("..".utf8) }
    }
}
