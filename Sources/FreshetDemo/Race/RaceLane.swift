import NIOCore
import StreamHTTP
import TextCodecs

/// The lanes of the race that are answered over the connection that asked; the fourth, SSE, is a stream of Freshet's.
///
/// Each request has the answer made for it again: what is written into a connection is gone with the connection.
@available(freshet 0.1, *)
enum RaceLane: String, Sendable, CaseIterable {
    /// Standard HTTP: the server computes the entire response before sending anything.
    case json
    /// The text as it is made, in chunks.
    case chunked
    /// The text as it is made, one JSON object a line.
    case ndjson

    func write(_ answer: RaceAnswer, to writer: ResponseWriter) async throws {
        let clock = EventLoopClock()
        let start = clock.now
        guard self != .json else {
            var text: [UInt8] = []
            for piece in answer.pieces {
                try await clock.sleep(until: start + piece.due)
                text += piece.bytes
            }
            let body = JSONWriter.object { $0.member("answer", String(decoding: text, as: UTF8.self)) }
            let fields = [HeaderField("Content-Type", "application/json"), HeaderField("Cache-Control", "no-store")]
            try await writer.head(200, fields, length: body.count)
            return try await writer.write(ByteBuffer(bytes: body))
        }
        try await writer.head(200, Self.streaming(contentType))
        for piece in answer.pieces {
            try await clock.sleep(until: start + piece.due)
            try await writer.write(ByteBuffer(bytes: framed(piece.bytes)))
        }
    }

    private var contentType: String {
        switch self {
        case .json: "application/json"
        case .chunked: "text/plain; charset=utf-8"
        case .ndjson: "application/x-ndjson"
        }
    }

    private func framed(_ piece: [UInt8]) -> [UInt8] {
        guard self == .ndjson else { return piece }
        return JSONWriter.object { $0.member("text", String(decoding: piece, as: UTF8.self)) } + "\n".utf8
    }

    /// What asks those between not to hold, change or keep what passes.
    static func streaming(_ contentType: String) -> [HeaderField] {
        [
            HeaderField("Content-Type", contentType), HeaderField("Cache-Control", "no-store, no-transform"),
            HeaderField("X-Accel-Buffering", "no"),
        ]
    }
}
