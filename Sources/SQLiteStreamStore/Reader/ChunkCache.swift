import DequeModule
import StreamCore

/// The chunks that were read last, decoded: after a deploy, thousands of readers ask for the same ones.
struct ChunkCache {
    struct Chunk {
        var previous: Offset
        var events: [StreamEvent]

        var last: Offset { events.last?.offset ?? previous }

        /// Whether the offset is the one before the chunk's first event, or one of its events'.
        func has(_ offset: Offset) -> Bool {
            offset == previous || events.contains { $0.offset == offset }
        }
    }

    private static let size = 128
    private var chunks: [Int64: Chunk] = [:]
    private var order: Deque<Int64> = []

    subscript(key: Int64) -> Chunk? { chunks[key] }

    mutating func keep(_ chunk: Chunk, _ key: Int64) {
        if chunks.updateValue(chunk, forKey: key) == nil { order.append(key) }
        if order.count > Self.size { chunks[order.removeFirst()] = nil }
    }
}
