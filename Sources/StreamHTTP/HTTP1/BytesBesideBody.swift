import NIOCore
import NIOHTTP1

/// Counts the bytes of chunked bodies that are none of their content, which the parser drops without a word: what chunks say
/// beside their length (chunk extensions), and the fields that follow the last (trailers).
@available(freshet 0.1, *)
struct BytesBesideBody {
    /// What a chunk needs at most to say how long it is, and to end.
    private static let perChunk = 20

    private var isInBody = false
    private var given = 0
    private var parsed = 0
    private var taken = 0

    mutating func willParse(_ count: Int) { given += count }

    mutating func parsed(_ part: HTTPServerRequestPart) {
        switch part {
        case .head:
            isInBody = true
            (given, parsed, taken) = (0, 0, 0)
        case .body(let buffer): parsed += buffer.readableBytes + Self.perChunk
        case .end: isInBody = false
        }
    }

    /// How many there are that were not taken before; nil when there are none.
    mutating func take() -> Int? {
        let beside = given - parsed - taken
        guard isInBody, beside > Self.perChunk else { return nil }
        taken += beside
        return beside
    }
}
