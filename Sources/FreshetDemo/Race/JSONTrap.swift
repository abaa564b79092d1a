import NIOCore
import PartialJSON
import StreamHTTP

/// The article's JSON trap and the two ways out: one document, in pieces of a few characters as a model writes them.
@available(freshet 0.1, *)
enum JSONTrap: String, Sendable {
    /// The document itself: invalid until its last brace.
    case json
    /// The same as one object a line.
    case ndjson
    /// After each piece the best value so far, as `PartialJSON` reads it.
    case partial

    static let interval = Duration.milliseconds(50)

    /// The pieces of the document.
    static let pieces: [[UInt8]] = stride(from: 0, to: document.utf8.count, by: 6).map { start in
        Array(document.utf8.dropFirst(start).prefix(6))
    }

    static let document = #"""
        {"story":"Once upon a time a brook was asked to wait behind a wall until all of its water had come. Nobody \#
        saw it for a whole spring. Then the wall was taken away, and they heard it, word by word.","stars":42,\#
        "cast":["a brook","a wall"],"sequel":{"title":"The freshet","ready":true}}
        """#

    /// What is written after each piece of the document, the last of which ends it; empty where there is nothing new.
    func output() -> [[UInt8]] {
        switch self {
        case .json: return Self.pieces
        case .ndjson: return Self.lines
        case .partial: return Self.values
        }
    }

    func write(to writer: ResponseWriter) async throws {
        let clock = EventLoopClock()
        let start = clock.now
        try await writer.head(200, RaceLane.streaming(self == .json ? "application/json" : "application/x-ndjson"))
        for (index, bytes) in output().enumerated() {
            try await clock.sleep(until: start + Self.interval * (index + 1))
            if !bytes.isEmpty { try await writer.write(ByteBuffer(bytes: bytes)) }
        }
    }

    /// A line with each word of the story, and with each other member, as soon as all of it has come.
    private static var lines: [[UInt8]] {
        var told: [String: Int] = [:]
        return parsed { value in
            var output: [UInt8] = []
            for (key, member) in value.object ?? [:] {
                guard let text = member.text else {
                    guard member.isComplete, told.updateValue(1, forKey: key) == nil else { continue }
                    output += "{\"\(key)\":\(member)}\n".utf8
                    continue
                }
                let new = text.dropFirst(told[key] ?? 0)
                let end = member.isComplete ? new.endIndex : new.lastIndex(of: " ")
                guard let end, end > new.startIndex else { continue }
                told[key] = text.distance(from: text.startIndex, to: end)
                output += "{\"\(key)\":\(JSONValue.string(JSONString(String(new[..<end]))))}\n".utf8
            }
            return output
        }
    }

    private static var values: [[UInt8]] {
        parsed { value in Array("{\"complete\":\(value.isComplete),\"value\":\(value)}\n".utf8) }
    }

    private static func parsed(_ tell: (JSONValue) -> [UInt8]) -> [[UInt8]] {
        var parser = PartialJSONParser()
        return pieces.map { piece in
            do {
                try parser.parse(piece)
            } catch {
                preconditionFailure("the document of the page is no JSON: \(error)")
            }
            return parser.value.map(tell) ?? []
        }
    }
}
