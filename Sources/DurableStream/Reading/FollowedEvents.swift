import ServerSentEvents
import TextCodecs

/// The body of a `live=sse` read: `data` events, and after those of one batch a `control` event that says where the
/// reader is.
@available(freshet 0.1, *)
struct FollowedEvents: Sendable {
    struct Output: Equatable, Sendable {
        /// What came since the last control event.
        var part: ChunkBytes
        var nextOffset: String
        var cursor: String?
        var isUpToDate: Bool
        var isClosed: Bool
    }

    enum Failure: Error, Equatable, CustomStringConvertible {
        case tooLong(limit: Int)
        case badEvent(String)

        var isTooLong: Bool {
            if case .tooLong = self { true } else { false }
        }

        var description: String {
            switch self {
            case .tooLong(let limit): "a chunk has more than \(limit) bytes"
            case .badEvent(let what): "this is no live read of a stream: \(what)"
            }
        }
    }

    private let kind: StreamKind
    private let isBase64: Bool
    private let limit: Int
    private var parser: EventStreamParser
    private var part: ChunkBytes

    init(kind: StreamKind, isBase64: Bool, limit: Int) {
        self.kind = kind
        self.isBase64 = isBase64
        self.limit = limit
        // Base64 has four bytes for three, and its lines end.
        let longest = min(limit, 1 << 40) * 2 + 1024
        parser = EventStreamParser(limits: .init(lineBytes: longest, eventBytes: longest))
        part = ChunkBytes(kind: kind)
    }

    /// What is finished by more bytes. What was thrown once is thrown for everything that follows.
    mutating func parse(_ bytes: [UInt8]) throws(Failure) -> [Output] {
        let events: [EventStreamParser.Output]
        do {
            events = try parser.parse(bytes)
        } catch {
            throw .tooLong(limit: limit)
        }
        var outputs: [Output] = []
        for case .event(let event) in events {
            switch event.type {
            case "data": try take(event.data)
            case "control": outputs.append(try control(event.data))
            // What a newer protocol may have.
            default: continue
            }
        }
        return outputs
    }

    private mutating func take(_ data: String) throws(Failure) {
        var bytes = Array(data.utf8)
        if isBase64 {
            guard let decoded = Base64.decode(bytes) else { throw .badEvent("its data is no base64") }
            bytes = decoded
        }
        guard part.bytes.count + bytes.count <= limit else { throw .tooLong(limit: limit) }
        do {
            try part.append(bytes)
        } catch {
            throw .badEvent("\(error)")
        }
    }

    private mutating func control(_ data: String) throws(Failure) -> Output {
        let control = JSONSlice(Array(data.utf8))
        guard control.isValue, let offset = control["streamNextOffset"]?.string else {
            throw .badEvent("a control event says nothing of an offset")
        }
        defer { part = ChunkBytes(kind: kind) }
        return Output(
            part: part,
            nextOffset: offset,
            cursor: control["streamCursor"]?.string,
            isUpToDate: control["upToDate"]?.isTrue ?? false,
            isClosed: control["streamClosed"]?.isTrue ?? false
        )
    }
}
