import DequeModule
import StreamCore

/// The chunks that were read last, decoded: after a deploy, thousands of readers ask for the same ones.
@available(freshet 0.1, *)
struct ChunkCache {
    struct Chunk {
        var previous: Offset
        var events: EventLog

        var last: Offset { events.lastOffset ?? previous }

        /// Whether the offset is the one before the chunk's first event, or one of its events'.
        func has(_ offset: Offset) -> Bool { offset == previous || events.contains(offset) }

        /// What it takes in memory, about: the data, and for each event its place, its offset and its moment.
        var bytes: Int { 256 + events.size + 88 * events.count }
    }

    private let limit: Int
    private var chunks: [Int64: Chunk] = [:]
    private var order: Deque<Int64> = []
    private(set) var bytes = 0

    /// - Parameter limit: the most bytes that are held.
    init(limit: Int) {
        self.limit = limit
    }

    subscript(key: Int64) -> Chunk? { chunks[key] }

    /// Holds a chunk until others need its room. One that takes more than half of it makes nothing else go.
    mutating func keep(_ chunk: Chunk, _ key: Int64) {
        guard chunk.bytes <= limit / 2 else { return }
        if let old = chunks.updateValue(chunk, forKey: key) { bytes -= old.bytes } else { order.append(key) }
        bytes += chunk.bytes
        while bytes > limit, let oldest = order.popFirst() {
            if let gone = chunks.removeValue(forKey: oldest) { bytes -= gone.bytes }
        }
    }
}
