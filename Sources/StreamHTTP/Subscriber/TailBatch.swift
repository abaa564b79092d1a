import NIOCore
import StreamCore

/// What was committed to one stream since this loop last looked: items in an unbroken chain, and their bytes on the
/// wire, put together once for all readers of the loop that want the same.
@available(freshet 0.1, *)
final class TailBatch {
    /// What the bytes depend on besides the items.
    struct Shape: Hashable {
        var writer: EventWriter
        var framing: BodyFraming
        /// The first block carries a `retry` of so many milliseconds.
        var retry: Int?
        /// The cursor that a Durable Streams read is told.
        var cursor: UInt64 = 0

        /// Names the shape among the encodings of an item. All readers of a node share one `retry`, and one stream
        /// has one kind, so neither is part of the name beyond its presence.
        var key: Int { writer.form.rawValue | framing.rawValue << 3 | (retry == nil ? 0 : 16) }
    }

    let items: [CommittedItem]
    /// When it is handed on: a look at the clock for all readers.
    let moment: NIODeadline
    /// The offsets before each item and after the last.
    let boundaries: [Offset]
    /// What its events count against a bound on bytes.
    let size: Int
    /// How many readers share its bytes.
    var readers = 1
    private let eventsInAll: Int
    private var buffers: [Int: ByteBuffer] = [:]
    /// What was asked for last: nearly all readers of a stream ask for the same.
    private var latest: (key: Int, buffer: ByteBuffer)?
    private var durableStreamsBuffers: [DurableStreamsKey: ByteBuffer] = [:]
    private var byteViews: [Int: [UInt8]] = [:]

    private struct DurableStreamsKey: Hashable {
        var index: Int
        var framing: BodyFraming
        var cursor: UInt64
    }

    init(_ items: [CommittedItem], at moment: NIODeadline = .now()) {
        self.items = items
        self.moment = moment
        self.size = items.reduce(0) { $0 + $1.size }
        self.eventsInAll = items.reduce(0) { $0 + $1.events.count }
        self.boundaries = items.map(\.previous) + [items[items.count - 1].last]
    }

    var end: StreamEnd? { items[items.count - 1].end }

    var hasEnd: Bool { end != nil }

    /// How many events the items from an index on hold.
    func eventCount(from index: Int) -> Int {
        index == 0 ? eventsInAll : items[index...].reduce(0) { $0 + $1.events.count }
    }

    /// The bytes of the items from an index on, as they go on the wire.
    func buffer(from index: Int, _ shape: Shape) -> ByteBuffer {
        if shape.writer.form == .durableStreams { return durableStreamsBuffer(from: index, shape) }
        let key = index << 5 | shape.key
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

    /// The events of the items from an index on, as a catch-up read shows them.
    func byteView(from index: Int, kind: ContentType.Kind) -> [UInt8] {
        if let bytes = byteViews[index] { return bytes }
        let bytes = ByteView.bytes(of: events(from: index), kind: kind)
        byteViews[index] = bytes
        return bytes
    }

    func events(from index: Int) -> some Sequence<StreamEvent> { items[index...].lazy.flatMap(\.events) }

    /// Nearly all readers share one cursor. For another the data is written again, since it is one chunk with what
    /// follows it.
    private func durableStreamsBuffer(from index: Int, _ shape: Shape) -> ByteBuffer {
        let key = DurableStreamsKey(index: index, framing: shape.framing, cursor: shape.cursor)
        if let buffer = durableStreamsBuffers[key] { return buffer }
        let writer = DurableStreamsWriter(kind: shape.writer.kind)
        var part: [UInt8] = []
        writer.appendData(events(from: index), to: &part)
        writer.appendControl(
            at: boundaries[boundaries.count - 1],
            cursor: shape.cursor,
            isUpToDate: true,
            isClosed: hasEnd,
            to: &part
        )
        var framed: [UInt8] = []
        shape.framing.append(part, to: &framed)
        let buffer = ByteBuffer(bytes: framed)
        durableStreamsBuffers[key] = buffer
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
            // What a foreign read is told last is its plan's to say.
            if let end = item.end { shape.writer.appendEnd(end, retry: retry, to: &part) }
            var framed: [UInt8] = []
            shape.framing.append(part, to: &framed)
            return framed
        }
    }
}
