import DequeModule
import NIOCore

/// What a response has written and the peer's window, or a full connection, does not let go of yet.
@available(freshet 0.1, *)
struct HTTP2SendQueue {
    /// Of what DATA frames may hold, whatever the peer has said (RFC 9113, section 6.5.2).
    static let frameSize = 16_384

    /// The frames of a part that is larger are copies: what waits below for the connection, also after its stream was reset,
    /// would hold all of the part.
    private static let sharedBytes = 65_536

    private var parts: Deque<ByteBuffer> = []
    /// How many bytes the peer takes on this stream: below zero after it took some of that back (section 6.9.2).
    private(set) var window: Int

    init(window: Int) {
        self.window = window
    }

    var isEmpty: Bool { parts.isEmpty }

    /// Waits for the peer to take more on this stream, whatever the connection takes.
    var waitsForWindow: Bool { !parts.isEmpty && window <= 0 }

    mutating func append(_ part: ByteBuffer) {
        if part.readableBytes > 0 { parts.append(part) }
    }

    /// Whether a part is all that is next, fits into one frame and may be sent: then it is not kept, and counts as sent.
    mutating func passes(_ part: ByteBuffer, atMost room: Int) -> Bool {
        let count = part.readableBytes
        guard parts.isEmpty, count <= min(room, window, Self.frameSize), part.storageCapacity <= Self.sharedBytes else {
            return false
        }
        window -= count
        return true
    }

    mutating func widen(by count: Int) { window += count }

    /// The bytes of the next frame, at most so many; nil when there are none, or they may not be sent.
    mutating func next(atMost room: Int) -> ByteBuffer? {
        let size = min(room, window, Self.frameSize)
        guard size > 0, var first = parts.popFirst() else { return nil }
        let count = min(size, first.readableBytes)
        guard let frame = first.readSlice(length: count) else { return nil }
        if first.readableBytes > 0 { parts.prepend(first) }
        window -= count
        return first.storageCapacity > Self.sharedBytes ? ByteBuffer(bytes: frame.readableBytesView) : frame
    }

    mutating func drop() { parts = [] }
}
