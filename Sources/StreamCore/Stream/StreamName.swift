/// The name of a stream: the decoded path after `/v1/stream/`. Names are equal when their bytes are.
package struct StreamName: Hashable, Sendable, CustomStringConvertible {
    package let text: String

    /// The longest name, in UTF-8 bytes.
    package static let maximumBytes = 512

    /// Why a text cannot name a stream.
    package enum Invalid: Error, Equatable {
        case empty, tooLong, emptySegment, dotSegment, controlCharacter
    }

    package init(_ text: String) throws(Invalid) {
        guard !text.isEmpty else { throw .empty }
        guard text.utf8.count <= Self.maximumBytes else { throw .tooLong }
        guard !text.unicodeScalars.contains(where: { $0.value < 0x20 || 0x7F...0x9F ~= $0.value }) else {
            throw .controlCharacter
        }
        // Bytes, not characters: a combining mark after a slash would hide it.
        for segment in text.utf8.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false) {
            if segment.isEmpty { throw .emptySegment }
            // A proxy or a client resolves these, so that two names would mean one stream.
            if segment.elementsEqual(".".utf8) || segment.elementsEqual("..".utf8) { throw .dotSegment }
        }
        self.text = text
    }

    /// What begins so is the server's own: no route reads or writes it for a caller.
    package static let reservedPrefix = "__freshet/"

    package var isReserved: Bool { text.utf8.starts(with: Self.reservedPrefix.utf8) }

    package var description: String { text }

    // The equality of `String` is that of what people see, in which two URLs could be one stream.
    package static func == (left: StreamName, right: StreamName) -> Bool {
        left.text.utf8.elementsEqual(right.text.utf8)
    }

    package func hash(into hasher: inout Hasher) {
        var text = text
        text.withUTF8 { hasher.combine(bytes: UnsafeRawBufferPointer($0)) }
    }
}
