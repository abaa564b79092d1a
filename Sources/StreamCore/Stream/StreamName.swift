/// The name of a stream: the decoded path after `/v1/stream/`.
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
        guard !text.utf8.contains(where: { $0 < 0x20 || $0 == 0x7F }) else { throw .controlCharacter }
        for segment in text.split(separator: "/", omittingEmptySubsequences: false) {
            if segment.isEmpty { throw .emptySegment }
            // A proxy or a client resolves these, so that two names would mean one stream.
            if segment == "." || segment == ".." { throw .dotSegment }
        }
        self.text = text
    }

    package var description: String { text }
}
