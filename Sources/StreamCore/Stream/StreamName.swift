import TextCodecs

/// The name of a stream: the decoded path after `/v1/stream/`. Names are equal when their bytes are.
@available(freshet 0.1, *)
package struct StreamName: Hashable, Sendable, CustomStringConvertible {
    package let text: String

    /// The longest name, in UTF-8 bytes.
    package static let maximumBytes = 512

    /// Why a text cannot name a stream.
    package enum Invalid: Error, Equatable {
        case empty, tooLong, emptySegment, dotSegment, controlCharacter
    }

    package init(_ text: String) throws(Invalid) {
        var text = text
        if let flaw = text.withUTF8({ Self.flaw(of: $0) }) { throw flaw }
        self.text = text
    }

    /// Looks at bytes, not characters: a combining mark after a slash would hide it. Every request that names a stream comes
    /// here.
    private static func flaw(of bytes: UnsafeBufferPointer<UInt8>) -> Invalid? {
        guard !bytes.isEmpty else { return .empty }
        guard bytes.count <= maximumBytes else { return .tooLong }
        var previous: UInt8 = 0
        for byte in bytes {
            // U+0080 to U+009F are C2 and a byte below A0.
            if byte < 0x20 || byte == 0x7F || (previous == 0xC2 && byte < 0xA0) { return .controlCharacter }
            previous = byte
        }
        let (dot, slash) = (UInt8(ascii: "."), UInt8(ascii: "/"))
        var start = 0
        for end in 0...bytes.count where end == bytes.count || bytes[end] == slash {
            switch end - start {
            case 0: return .emptySegment
            // A proxy or a client resolves these, so that two names would mean one stream.
            case 1 where bytes[start] == dot: return .dotSegment
            case 2 where bytes[start] == dot && bytes[start + 1] == dot: return .dotSegment
            default: start = end + 1
            }
        }
        return nil
    }

    /// What begins so is the server's own: no route reads or writes it for a caller.
    package static let reservedPrefix = "__freshet/"

    package var isReserved: Bool { text.begins(withBytesOf: Self.reservedPrefix) }

    package var description: String { text }

    // The equality of `String` is that of what people see, in which two URLs could be one stream.
    package static func == (left: StreamName, right: StreamName) -> Bool { left.text.hasBytes(of: right.text) }

    package func hash(into hasher: inout Hasher) {
        var text = text
        text.withUTF8 { hasher.combine(bytes: UnsafeRawBufferPointer($0)) }
    }
}
