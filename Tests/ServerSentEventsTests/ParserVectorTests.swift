import ServerSentEvents
import Testing

@Suite("Parser: vectors of web-platform-tests")
struct ParserVectorTests {
    struct Vector: Decodable, Sendable, CustomTestStringConvertible {
        struct Event: Decodable, Equatable, Sendable {
            let type: String
            let data: String
            let lastEventId: String
        }

        let id: String
        let chunks_hex: [String]
        let initialLastEventId: String
        let events: [Event]
        let comments: [String]
        let retry: [Int]
        let lastEventIdAtEnd: String

        var testDescription: String { id }

        var bytes: [UInt8] {
            get throws {
                try chunks_hex.joined().utf8.chunked(by: 2).map { pair in
                    try #require(UInt8(String(decoding: pair, as: UTF8.self), radix: 16))
                }
            }
        }
    }

    @Test("A stream means the same however it is cut", arguments: try VectorFile<Vector>.load("wpt-parser"))
    func vector(_ vector: Vector) throws {
        let bytes = try vector.bytes
        for chunks in Chunking.all(of: bytes) {
            let parsed = try Parsed(chunks, lastEventID: vector.initialLastEventId)
            let events = parsed.events.map {
                Vector.Event(type: $0.type, data: $0.data, lastEventId: $0.lastEventID)
            }
            let isRight =
                events == vector.events && parsed.comments == vector.comments && parsed.retries == vector.retry
                && parsed.lastEventID == vector.lastEventIdAtEnd
            try #require(isRight, "\(vector.id) cut into \(chunks.map(\.count)) gives \(parsed)")
        }
    }
}

extension Collection {
    fileprivate func chunked(by size: Int) -> [SubSequence] {
        var chunks: [SubSequence] = []
        var rest = self[...]
        while !rest.isEmpty {
            chunks.append(rest.prefix(size))
            rest = rest.dropFirst(size)
        }
        return chunks
    }
}
