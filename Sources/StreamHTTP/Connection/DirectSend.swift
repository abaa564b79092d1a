import NIOCore

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#elseif canImport(Darwin)
import Darwin
#endif

/// Sends straight from the loop, beside NIO's queue of pending writes, for as long as that queue is empty.
///
/// What the queue costs for a write that the kernel takes at once is most of what a delivery costs in user space
/// (measured: 2.3 of 2.9 us). Order is kept because the queue takes over with the first byte that the kernel does not
/// take, and the direct way is open again only when the queue has been emptied.
struct DirectSend {
    /// Writes that are in the queue.
    private var queued = 0
    /// The connection's socket. Asking NIO for it takes a cast that costs as much as all the rest of a delivery
    /// (measured: 1.3 us), so it is asked once.
    private var descriptor: NIOBSDSocket.Handle?

    /// Whether everything that was written has been taken.
    var isIdle: Bool { queued == 0 }

    /// Sends what the kernel takes now, and returns what is left for the queue.
    ///
    /// An error leaves everything for the queue, which meets the same error and reports it.
    mutating func send(_ buffer: ByteBuffer, on context: ChannelHandlerContext) -> ByteBuffer? {
        // NIO closes the socket and calls the channel inactive in one step on this loop, before it tells anybody: while
        // the channel is active, the descriptor is its socket's and nobody else's.
        guard queued == 0, context.channel.isActive, let descriptor = descriptor(of: context) else { return buffer }
        // Flags rather than signals: a peer that is gone is an error like any other.
        let sent = buffer.withUnsafeReadableBytes { Self.send(descriptor, $0) }
        guard sent > 0 else { return buffer }
        guard sent < buffer.readableBytes else { return nil }
        var rest = buffer
        rest.moveReaderIndex(forwardBy: sent)
        return rest
    }

    private mutating func descriptor(of context: ChannelHandlerContext) -> NIOBSDSocket.Handle? {
        if let descriptor { return descriptor }
        let pipeline = context.pipeline.syncOperations
        descriptor = try? pipeline.withUnsafeTransportIfAvailable(of: NIOBSDSocket.Handle.self) { $0 }
        return descriptor
    }

    private static func send(_ descriptor: CInt, _ bytes: UnsafeRawBufferPointer) -> Int {
        #if canImport(Darwin)
        Darwin.send(descriptor, bytes.baseAddress, bytes.count, MSG_DONTWAIT)
        #elseif canImport(Musl)
        Musl.send(descriptor, bytes.baseAddress, bytes.count, MSG_DONTWAIT | MSG_NOSIGNAL)
        #else
        Glibc.send(descriptor, bytes.baseAddress, bytes.count, CInt(MSG_DONTWAIT) | CInt(MSG_NOSIGNAL))
        #endif
    }

    mutating func enqueued() { queued += 1 }

    mutating func dequeued() { queued -= 1 }
}
