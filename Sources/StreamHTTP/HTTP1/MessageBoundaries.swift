import NIOCore
import NIOHTTP1
import TextCodecs

/// Where the messages of a connection begin, and what protocol their first lines name.
///
/// The parser takes `GET / RTSP/1.0` and `ICE/1.0` for HTTP/1.0 and does not tell (llhttp 9; Node's parser, for what
/// speaks those). The line is therefore looked at before the parser sees it, and for that it must be known which line
/// is a first one. Bytes are given to the parser in pieces that end wherever a message may: at an empty line, and at
/// the end of a body of known length. What the parser has found by then says what comes next.
@available(freshet 0.1, *)
struct MessageBoundaries {
    private enum Place {
        /// Before a first line, where empty ones may come.
        case between
        case firstLine
        /// In a head, or in a chunked body: it ends with an empty line, and so may the message.
        case lines
        /// In a body of so many more bytes.
        case counted(Int)
    }

    /// What may be given to the parser next.
    enum Piece: Equatable {
        case bytes(Int)
        /// The first line is one of another protocol: nothing more may be given to it.
        case foreign
    }

    /// The beginning of a word, as far as it must be known: five bytes.
    private struct Word {
        private static let real = Word("RTSP/")
        private static let ice = Word("ICE/")
        private static let most = 5

        private var bytes: UInt64 = 0
        private var count = 0

        init() {}

        private init(_ text: StaticString) {
            text.withUTF8Buffer { for byte in $0 { append(byte) } }
        }

        mutating func append(_ byte: UInt8) {
            guard count < Self.most else { return }
            bytes = bytes << 8 | UInt64(byte)
            count += 1
        }

        var isForeign: Bool { starts(with: Self.real) || starts(with: Self.ice) }

        private func starts(with other: Word) -> Bool {
            count >= other.count && bytes >> UInt64(8 * (count - other.count)) == other.bytes
        }
    }

    private static let space = UInt8(ascii: " ")
    private static let lineFeed = UInt8(ascii: "\n")
    private static let carriageReturn = UInt8(ascii: "\r")

    private var place = Place.between
    /// How the last word of the first line begins.
    private var word = Word()
    /// Nothing of the current line has come but the end of it.
    private var isLineEmpty = true

    /// The next of the bytes that have arrived; there is at least one.
    mutating func next(_ bytes: ByteBufferView) -> Piece {
        if case .counted(let left) = place {
            let count = min(left, bytes.count)
            place = count == left ? .lines : .counted(left - count)
            return .bytes(count)
        }
        return bytes.withUnsafeBytes { next($0) }
    }

    private mutating func next(_ bytes: UnsafeRawBufferPointer) -> Piece {
        var index = 0
        while index < bytes.count {
            switch place {
            case .between:
                guard bytes[index] != Self.lineFeed, bytes[index] != Self.carriageReturn else {
                    index += 1
                    continue
                }
                word = Word()
                place = .firstLine
            case .firstLine:
                let end = bytes.firstIndex(of: Self.lineFeed, from: index)
                for byte in bytes[index..<(end ?? bytes.count)] {
                    if byte == Self.space { word = Word() } else { word.append(byte) }
                }
                guard let end else { return .bytes(bytes.count) }
                if word.isForeign { return .foreign }
                index = end + 1
                isLineEmpty = true
                place = .lines
            case .lines:
                let end = bytes.firstIndex(of: Self.lineFeed, from: index)
                if isLineEmpty, bytes[index..<(end ?? bytes.count)].contains(where: { $0 != Self.carriageReturn }) {
                    isLineEmpty = false
                }
                guard let end else { return .bytes(bytes.count) }
                index = end + 1
                if isLineEmpty { return .bytes(index) }
                isLineEmpty = true
            case .counted: preconditionFailure("what is counted was taken above")
            }
        }
        return .bytes(bytes.count)
    }

    /// What the parser made of the bytes it was given.
    mutating func parsed(_ part: HTTPServerRequestPart) {
        switch part {
        case .head(let head):
            if case .length(let length) = RequestHead.Body(head.headers) {
                place = .counted(length)
            } else {
                place = .lines
            }
            isLineEmpty = true
        case .body: break
        case .end: place = .between
        }
    }
}
