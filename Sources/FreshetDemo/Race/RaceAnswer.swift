/// The one answer that all lanes of the race give: for two fifths of its time it comes word by word, as from a model,
/// then the rest pours, as a large payload does.
@available(freshet 0.1, *)
struct RaceAnswer: Sendable, Equatable {
    static let seconds = 1...20
    static let bytes = 10_000...4_000_000

    var seconds: Int
    /// The length of the text.
    var bytes: Int

    private static let wordInterval = Duration.milliseconds(50)
    private static let pourInterval = Duration.milliseconds(25)

    /// Nil when a number is out of its range.
    init?(seconds: Int, bytes: Int) {
        guard Self.seconds.contains(seconds), Self.bytes.contains(bytes) else { return nil }
        self.seconds = seconds
        self.bytes = bytes
    }

    /// The text in pieces, with the moment at which each is due.
    var pieces: [TimedPiece] {
        let words = Int(Duration.seconds(seconds) / 2.5 / Self.wordInterval)
        var pieces: [TimedPiece] = []
        var position = 0
        for index in 1...words {
            let word = Self.text.word(after: position)
            position += word.count
            pieces.append(TimedPiece(due: Self.wordInterval * index, bytes: word))
        }
        let start = Self.wordInterval * words
        let count = Int((Duration.seconds(seconds) - start) / Self.pourInterval)
        let rest = bytes - position
        for index in 1...count {
            let end = position + rest * index / count - rest * (index - 1) / count
            pieces.append(
                TimedPiece(due: start + Self.pourInterval * index, bytes: Self.text.bytes(position..<end))
            )
            position = end
        }
        return pieces
    }

    private static let text = EndlessText(Knowledge.documents.map(\.text).joined(separator: " "))
}

/// A text that begins again at its end. ASCII only, so that it may be cut anywhere.
@available(freshet 0.1, *)
private struct EndlessText: Sendable {
    private let ascii: [UInt8]

    init(_ text: String) {
        let words = text.split(whereSeparator: \.isWhitespace).filter { $0.utf8.allSatisfy { $0 < 0x80 } }
        ascii = words.flatMap { [UInt8](" ".utf8) + [UInt8]($0.utf8) }
    }

    /// The word that begins at a position, with the space before it.
    func word(after position: Int) -> [UInt8] {
        let start = position % ascii.count
        let end = ascii[(start + 1)...].firstIndex(of: UInt8(ascii: " ")) ?? ascii.endIndex
        return Array(ascii[start..<end])
    }

    func bytes(_ range: Range<Int>) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(range.count)
        var position = range.lowerBound
        while position < range.upperBound {
            let start = position % ascii.count
            let end = min(ascii.count, start + range.upperBound - position)
            bytes += ascii[start..<end]
            position += end - start
        }
        return bytes
    }
}
