import NIOCore
import StreamHTTP

/// The lanes of the race that are answered over the connection that asked; the fourth, SSE, is a stream of Freshet's.
///
/// Each request has the answer made for it again: what is written into a connection is gone with the connection.
enum RaceLane: String, Sendable, CaseIterable {
    /// Standard HTTP: the server computes the entire response before sending anything.
    case json
    /// The text as it is made, in chunks.
    case chunked
    /// The text as it is made, one JSON object a line.
    case ndjson

    func write(_ answer: RaceAnswer, to writer: ResponseWriter) async throws {
        let clock = ContinuousClock()
        let start = clock.now
        guard self != .json else {
            var body = Array(#"{"answer":"#.utf8)
            var text: [UInt8] = []
            for piece in answer.pieces {
                try await clock.sleep(until: start + piece.due)
                text += piece.bytes
            }
            JSONWriter.appendString(String(decoding: text, as: UTF8.self), to: &body)
            body.append(UInt8(ascii: "}"))
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
        var line = Array(#"{"text":"#.utf8)
        JSONWriter.appendString(String(decoding: piece, as: UTF8.self), to: &line)
        line += "}\n".utf8
        return line
    }

    /// What asks those between not to hold, change or keep what passes.
    static func streaming(_ contentType: String) -> [HeaderField] {
        [
            HeaderField("Content-Type", contentType), HeaderField("Cache-Control", "no-store, no-transform"),
            HeaderField("X-Accel-Buffering", "no"),
        ]
    }
}
