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
///
/// It goes past whatever stands between the connection and the socket, so it is taken only where nothing does: below a
/// handler of TLS it would send plaintext.
@available(freshet 0.1, *)
struct DirectSend {
    /// Writes that are in the queue.
    private var queued = 0
    private var way = Way.unknown
    /// Who made the connection knows that nothing stands between.
    private let isOnSocket: Bool

    /// - Parameter isOnSocket: it is known that nothing stands between the connection and the socket; otherwise that is
    ///   looked for.
    init(isOnSocket: Bool = false) {
        self.isOnSocket = isOnSocket
    }

    private enum Way {
        case unknown
        /// Something stands between, or there is no socket.
        case queue
        case socket(NIOBSDSocket.Handle)
    }

    /// False when it is known that there is no direct way: then writes that are in the queue need not be told.
    var isPossible: Bool { if case .queue = way { false } else { true } }

    /// Whether everything that was written has been taken.
    var isIdle: Bool { queued == 0 }

    /// Sends what the kernel takes now, and returns what is left for the queue.
    ///
    /// An error leaves everything for the queue, which meets the same error and reports it.
    mutating func send(_ buffer: ByteBuffer, on context: ChannelHandlerContext) -> ByteBuffer? {
        let sent = buffer.withUnsafeReadableBytes { send($0, on: context) }
        guard sent > 0 else { return buffer }
        guard sent < buffer.readableBytes else { return nil }
        var rest = buffer
        rest.moveReaderIndex(forwardBy: sent)
        return rest
    }

    /// The same for bytes that are in no buffer. Returns how many of them the kernel took.
    mutating func send(_ bytes: [UInt8], on context: ChannelHandlerContext) -> Int {
        bytes.withUnsafeBytes { send($0, on: context) }
    }

    private mutating func send(_ bytes: UnsafeRawBufferPointer, on context: ChannelHandlerContext) -> Int {
        // NIO closes the socket and calls the channel inactive in one step on this loop, before it tells anybody: while
        // the channel is active, the descriptor is its socket's and nobody else's.
        guard queued == 0, context.channel.isActive, let descriptor = descriptor(of: context) else { return 0 }
        // Flags rather than signals: a peer that is gone is an error like any other.
        return max(0, Self.send(descriptor, bytes))
    }

    /// Looked for once. Asking NIO for the socket takes a cast that costs as much as all the rest of a delivery
    /// (measured: 1.3 us).
    private mutating func descriptor(of context: ChannelHandlerContext) -> NIOBSDSocket.Handle? {
        switch way {
        case .socket(let descriptor): return descriptor
        case .queue: return nil
        case .unknown:
            let pipeline = context.pipeline.syncOperations
            let descriptor = try? pipeline.withUnsafeTransportIfAvailable(of: NIOBSDSocket.Handle.self) { $0 }
            // To read it from the pipeline's description took a tenth of a millisecond of each connection (measured).
            assert(!isOnSocket || context.isLowestOutbound, "a connection on its socket has a handler below")
            way = descriptor.flatMap { isOnSocket || context.isLowestOutbound ? .socket($0) : nil } ?? .queue
            return self.descriptor(of: context)
        }
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

@available(freshet 0.1, *)
extension ChannelHandlerContext {
    /// Whether what this handler writes reaches the channel untouched.
    ///
    /// NIO tells which handlers a pipeline has in its description and nowhere else: one line each, from the socket up,
    /// `incoming ↓↑ outgoing [name]`. A description that reads otherwise counts as no.
    var isLowestOutbound: Bool {
        for line in pipeline.debugDescription.split(separator: "\n").dropFirst(2) {
            guard let arrows = line.firstRange(of: "↓↑"), let bracket = line.lastIndex(of: "[") else { return false }
            if line[bracket...] == "[\(name)]" { return true }
            guard line[arrows.upperBound..<bracket].allSatisfy({ $0 == " " }) else { return false }
        }
        return false
    }
}
