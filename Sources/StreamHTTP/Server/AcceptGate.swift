import Logging
import NIOCore

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#elseif canImport(Darwin)
import Darwin
#endif

/// Stands at the listener: accepts no more connections than there are descriptors for, and rests when the system has
/// none left.
///
/// NIO's `AcceptBackoffHandler` delays the next read only. The listener that failed to accept stays registered with the
/// poller, which reports it again at once: the loop would burn a core. Here it is taken off the poller.
@available(freshet 0.1, *)
final class AcceptGate: ChannelInboundHandler {
    typealias InboundIn = any Channel
    typealias InboundOut = any Channel

    /// How long accepting rests when there is no descriptor to accept with.
    private static let rest: TimeAmount = .milliseconds(200)
    /// How often it is tried to get the reserve back.
    private static let retry: TimeAmount = .seconds(1)
    /// How often it is said that there are no descriptors.
    private static let silence: TimeAmount = .seconds(60)

    private let census: ConnectionCensus
    private let gates: AcceptGates
    private let reserve: DescriptorReserve
    private let logger: Logger
    private var context: ChannelHandlerContext?
    private var isResting = false
    private var isRecovering = false
    private var saidAt: NIODeadline?

    init(census: ConnectionCensus, gates: AcceptGates, reserve: DescriptorReserve, logger: Logger) {
        self.census = census
        self.gates = gates
        self.reserve = reserve
        self.logger = logger
    }

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
        let bound = NIOLoopBound(self, eventLoop: context.eventLoop)
        let eventLoop = context.eventLoop
        gates.add { eventLoop.execute { bound.value.lookAgain() } }
    }

    func handlerRemoved(context: ChannelHandlerContext) { self.context = nil }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let isFull = census.accepted()
        Self.unwrapInboundIn(data).closeFuture.whenComplete { [census, gates] _ in
            if census.closed() { gates.lookAgain() }
        }
        if isFull {
            accept(false)
            gates.lookAgain()
        }
        context.fireChannelRead(data)
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        guard let error = error as? IOError, [EMFILE, ENFILE, ENOBUFS, ENOMEM].contains(error.errnoCode) else {
            return context.fireErrorCaught(error)
        }
        say(error)
        census.isScarce = true
        // With the reserve given back the next ones are accepted and told.
        if !reserve.release() { takeRest(context) }
        recoverLater(context)
    }

    private func takeRest(_ context: ChannelHandlerContext) {
        guard !isResting else { return }
        isResting = true
        accept(false)
        let bound = NIOLoopBound(self, eventLoop: context.eventLoop)
        context.eventLoop.scheduleTask(in: Self.rest) {
            bound.value.isResting = false
            bound.value.lookAgain()
        }
    }

    private func recoverLater(_ context: ChannelHandlerContext) {
        guard !isRecovering else { return }
        isRecovering = true
        let bound = NIOLoopBound(self, eventLoop: context.eventLoop)
        context.eventLoop.scheduleTask(in: Self.retry) { bound.value.recover() }
    }

    private func recover() {
        isRecovering = false
        guard let context else { return }
        if reserve.refill() { census.isScarce = false } else { recoverLater(context) }
    }

    private func lookAgain() { accept(!census.isFull) }

    private func accept(_ accepts: Bool) {
        guard let context, !accepts || !isResting else { return }
        try? context.channel.syncOptions?.setOption(.autoRead, value: accepts)
    }

    private func say(_ error: IOError) {
        let now = NIODeadline.now()
        if let saidAt, now - saidAt < Self.silence { return }
        saidAt = now
        logger.warning(
            "There is no file descriptor left for new connections; they are refused until one is free.",
            metadata: ["error": "\(error)", "open-files-limit": "\(OpenFiles.limit)"]
        )
    }
}
