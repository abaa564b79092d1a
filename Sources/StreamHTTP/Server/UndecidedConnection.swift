import NIOCore

/// What stands in a pipeline until it is known which protocol its connection speaks. It belongs to the connection's loop.
///
/// The connection is closed when that takes too long, and when the server goes.
@available(freshet 0.1, *)
protocol UndecidedConnection: ChannelInboundHandler, RemovableChannelHandler, HTTPLoopMember {
    var loop: HTTPLoop { get }
    var context: ChannelHandlerContext? { get set }
    /// Puts the protocol on top of the pipeline.
    var begin: (_ isHTTP2: Bool) throws -> Void { get }
    /// Since when it is waited for what tells.
    var since: NIODeadline { get }
    /// How long that may take.
    var patience: TimeAmount { get }
    /// It took too long.
    func tookTooLong()
}

@available(freshet 0.1, *)
extension UndecidedConnection {
    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
        loop.add(self)
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        self.context = nil
        loop.remove(self)
    }

    func channelInactive(context: ChannelHandlerContext) {
        loop.remove(self)
        context.fireChannelInactive()
    }

    /// The protocol is known.
    ///
    /// - Parameter passOn: gives it what has come for it so far.
    func decided(_ isHTTP2: Bool, in context: ChannelHandlerContext, passOn: () -> Void = {}) {
        do {
            try begin(isHTTP2)
        } catch {
            return context.close(promise: nil)
        }
        passOn()
        context.pipeline.syncOperations.removeHandler(context: context, promise: nil)
    }

    // MARK: As the loop sees it

    var run: RequestRun? { nil }

    var isBusy: Bool { false }

    func tick(now: NIODeadline) {
        guard now - since >= patience, let context else { return }
        tookTooLong()
        // TLS may take a while to say goodbye.
        loop.remove(self)
        context.close(promise: nil)
    }

    func drain(closesIdle: Bool) {
        if closesIdle { context?.close(promise: nil) }
    }

    func abandon() { context?.close(promise: nil) }
}
