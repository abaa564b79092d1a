import NIOCore

/// Stands below NIO's handler of frames and makes one write of what that writes between two flushes.
///
/// Each frame comes as two writes, its head and what it holds. Two entries in the queue of the channel, two parts of a
/// system call and, over TLS, two records cost more than to copy a small event; and a head that is copied leaves its
/// buffer to the next one. Where nothing stands below, the write goes straight to the socket.
@available(freshet 0.1, *)
final class HTTP2OutputHandler: ChannelOutboundHandler {
    typealias OutboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    /// What is larger is not copied.
    static let copiedBytes = 4096
    /// More are not gathered: they go on without a flush, and how much the channel takes is asked before the next frame.
    /// No more than one frame, so that what the channel holds is hardly above its mark.
    static let gatheredBytes = HTTP2SendQueue.frameSize

    private let loop: HTTPLoop
    private var direct = DirectSend()
    private var gathered: ByteBuffer?
    /// What is below waits for a flush.
    private var isDirty = false

    init(loop: HTTPLoop) {
        self.loop = loop
    }

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        let bytes = Self.unwrapOutboundIn(data)
        guard promise == nil, bytes.readableBytes <= Self.copiedBytes else {
            // The head of a large frame goes out in one system call with it.
            if let gathered = takeGathered() { enqueue(fitted(gathered), on: context) }
            return enqueue(bytes, promise, on: context)
        }
        if (gathered?.readableBytes ?? 0) + bytes.readableBytes > Self.gatheredBytes { passOn(context) }
        var gathered = takeGathered() ?? loop.takeSpareBuffer()
        gathered.writeImmutableBuffer(bytes)
        self.gathered = gathered
    }

    func flush(context: ChannelHandlerContext) {
        passOn(context)
        guard isDirty else { return }
        isDirty = false
        context.flush()
    }

    func close(context: ChannelHandlerContext, mode: CloseMode, promise: EventLoopPromise<Void>?) {
        // Without a flush it is the channel's to drop.
        if let gathered = takeGathered() { enqueue(fitted(gathered), on: context) }
        context.close(mode: mode, promise: promise)
    }

    private func passOn(_ context: ChannelHandlerContext) {
        guard var bytes = takeGathered() else { return }
        if let rest = direct.send(bytes, on: context) { return enqueue(fitted(rest), on: context) }
        bytes.clear()
        loop.spareBuffer = bytes
    }

    /// What the channel may keep for long, without the room that a spare buffer has from an earlier use: of that nobody
    /// keeps account.
    private func fitted(_ bytes: ByteBuffer) -> ByteBuffer {
        guard bytes.storageCapacity / 2 > max(bytes.readableBytes, 256) else { return bytes }
        return ByteBuffer(bytes: bytes.readableBytesView)
    }

    /// Alone with its bytes: what holds them too would have them copied when they grow.
    private func takeGathered() -> ByteBuffer? {
        defer { gathered = nil }
        return gathered
    }

    private func enqueue(
        _ bytes: ByteBuffer,
        _ promise: EventLoopPromise<Void>? = nil,
        on context: ChannelHandlerContext
    ) {
        isDirty = true
        guard direct.isPossible else { return context.write(Self.wrapOutboundOut(bytes), promise: promise) }
        direct.enqueued()
        let promise = promise ?? context.eventLoop.makePromise(of: Void.self)
        promise.futureResult.assumeIsolated().whenComplete { [weak self] _ in self?.direct.dequeued() }
        context.write(Self.wrapOutboundOut(bytes), promise: promise)
    }
}
