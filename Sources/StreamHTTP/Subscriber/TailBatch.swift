import NIOCore
import StreamCore

/// What was committed to one stream since this loop last looked: items in an unbroken chain, and their bytes on the
/// wire, put together once for all readers of the loop that want the same.
final class TailBatch {
    /// What the bytes depend on besides the items.
    struct Shape: Hashable {
        var writer: EventWriter
        var framing: BodyFraming
        /// The first block carries a `retry` of so many milliseconds.
        var retry: Int?

        /// Names the shape among the encodings of an item. All readers of a node share one `retry`, and one stream
        /// has one kind, so neither is part of the name beyond its presence.
        var key: Int { writer.form.rawValue | framing.rawValue << 1 | (retry == nil ? 0 : 4) }
    }

    let items: [CommittedItem]
    /// The offsets before each item and after the last.
    let boundaries: [Offset]
    private var buffers: [Int: ByteBuffer] = [:]
    /// What was asked for last: nearly all readers of a stream ask for the same.
    private var latest: (key: Int, buffer: ByteBuffer)?

    init(_ items: [CommittedItem]) {
        self.items = items
        self.boundaries = items.map(\.previous) + [items[items.count - 1].last]
    }

    var hasEnd: Bool { items[items.count - 1].end != nil }

    /// The bytes of the items from an index on, as they go on the wire.
    func buffer(from index: Int, _ shape: Shape) -> ByteBuffer {
        let key = index << 3 | shape.key
        if let latest, latest.key == key { return latest.buffer }
        if let buffer = buffers[key] { return buffer }
        var buffer = ByteBuffer()
        var shape = shape
        for item in items[index...] {
            buffer.writeBytes(Self.bytes(of: item, shape))
            shape.retry = nil
        }
        buffers[key] = buffer
        latest = (key, buffer)
        return buffer
    }

    private static func bytes(of item: CommittedItem, _ shape: Shape) -> [UInt8] {
        item.encodings.bytes(for: shape.key) {
            var part: [UInt8] = []
            var retry = shape.retry
            for event in item.events {
                shape.writer.append(event, retry: retry, to: &part)
                retry = nil
            }
            if let end = item.end { shape.writer.appendEnd(end, retry: retry, to: &part) }
            var framed: [UInt8] = []
            shape.framing.append(part, to: &framed)
            return framed
        }
    }
}
