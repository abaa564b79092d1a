import Locks
package import NIOCore
package import StreamCore
package import Tracing

/// The event loops on which requests are answered, whoever brings them: this server's connections, or another server.
@available(freshet 0.1, *)
package final class HTTPLoops: Sendable {
    private let loops: [(eventLoop: any EventLoop, loop: NIOLoopBound<HTTPLoop>)]
    private let turn = Mutex(0)

    package init(
        _ group: any EventLoopGroup,
        responder: any Responder,
        configuration: DataPlaneConfiguration,
        time: any TimeSource,
        log: ServerLog,
        accessLog: AccessLog? = nil,
        tracer: (any Tracer)? = nil
    ) async {
        var loops: [(any EventLoop, NIOLoopBound<HTTPLoop>)] = []
        for eventLoop in group.makeIterator() {
            let made = eventLoop.submit {
                let loop = HTTPLoop(
                    eventLoop,
                    responder: responder,
                    configuration: configuration,
                    time: time,
                    log: log,
                    accessLog: accessLog,
                    tracer: tracer
                )
                loop.start()
                return NIOLoopBound(loop, eventLoop: eventLoop)
            }
            do {
                loops.append((eventLoop, try await made.get()))
            } catch {
                preconditionFailure("a new event loop refused work: \(error)")
            }
        }
        self.loops = loops
    }

    /// The one of an event loop. To be asked on that.
    func loop(on eventLoop: any EventLoop) -> HTTPLoop {
        guard let found = loops.first(where: { $0.eventLoop === eventLoop }) else {
            preconditionFailure("a connection on a loop that is not the server's")
        }
        return found.loop.value
    }

    /// The next one, in turn.
    package func next() -> NIOLoopBound<HTTPLoop> {
        let index = turn.withLock { turn in
            turn = (turn + 1) % loops.count
            return turn
        }
        return loops[index].loop
    }

    // MARK: Going away

    /// Goes away in good order: returns when nobody is left that had to be waited for, or at the deadline.
    ///
    /// Streams with a producer at work go on with their readers; all others are asked to come back at once.
    ///
    /// - Parameters:
    ///   - isBusy: whether something else goes on that is waited for.
    ///   - conclude: brings that to its end, at the deadline at the latest.
    /// - Returns: how many were still being served when the deadline had come.
    @discardableResult
    package func drain(
        for time: Duration,
        isBusy: @Sendable () -> Bool = { false },
        conclude: @Sendable () async -> Void = {}
    ) async -> Int {
        let clock = EventLoopClock()
        let deadline = clock.now + time
        await beginDraining()
        while await busy(isBusy), clock.now < deadline, !Task.isCancelled {
            try? await clock.sleep(for: .milliseconds(50))
            // A stream whose producer left meanwhile has nobody to wait for any more.
            await beginDraining()
        }
        let late = await busyMembers
        await conclude()
        await onEach { $0.endDraining() }
        // What was said last has to reach the other side.
        let last = clock.now + .seconds(3)
        while await busy({ false }), clock.now < last, !Task.isCancelled {
            try? await clock.sleep(for: .milliseconds(20))
        }
        return late
    }

    /// Cuts off what is left.
    package func stop() async { await onEach { $0.stop() } }

    /// Everybody whose stream nobody writes is asked to come back elsewhere; the others may stay for the end.
    package func beginDraining() async { await onEach { $0.beginDraining() } }

    /// Begins to end what is open without the right to it, by the rules of now.
    package func reviewRights() async { await onEach { $0.reviewRights() } }

    /// Asks about each open request whoever let it in, and ends those that may not go on; some at a time on each loop, and
    /// off it. Returns when all have been asked about.
    package func askAgain() async {
        await withTaskGroup(of: Void.self) { group in
            for (eventLoop, loop) in loops { group.addTask { await Self.askAgain(on: eventLoop, loop) } }
        }
    }

    private typealias Asked = (member: ObjectIdentifier, grant: any AccessGrant, renewed: (any AccessGrant)?)

    private static func askAgain(on eventLoop: any EventLoop, _ loop: NIOLoopBound<HTTPLoop>) async {
        guard let grants = try? await eventLoop.submit({ loop.value.grants }).get() else { return }
        var rest = grants[...]
        while !rest.isEmpty {
            let slice = rest.prefix(HTTPLoop.slice)
            rest = rest.dropFirst(HTTPLoop.slice)
            let asked = await withTaskGroup(of: Asked.self) { group in
                for (member, grant) in slice { group.addTask { (member, grant, await grant.askedAgain()) } }
                return await group.reduce(into: [Asked]()) { $0.append($1) }
            }
            try? await eventLoop.submit {
                for asked in asked { loop.value.goOn(asked.member, by: asked.renewed, insteadOf: asked.grant) }
            }.get()
        }
    }

    private func busy(_ isBusy: () -> Bool) async -> Bool {
        if isBusy() { return true }
        return await busyMembers > 0
    }

    private var busyMembers: Int {
        get async {
            var count = 0
            for (eventLoop, loop) in loops {
                count += (try? await eventLoop.submit { loop.value.busyMembers }.get()) ?? 0
            }
            return count
        }
    }

    /// The sum of what the loops have counted.
    package func metrics() async -> DataPlaneMetrics {
        var sum = DataPlaneMetrics()
        for (eventLoop, loop) in loops {
            if let part = try? await eventLoop.submit({ loop.value.counts }).get() { sum = sum + part }
        }
        return sum
    }

    /// Returns when each of them has run something that was asked of it now: one that hangs keeps it waiting.
    package func untilEachResponds() async { await onEach { _ in } }

    private func onEach(_ body: @escaping @Sendable (HTTPLoop) -> Void) async {
        for (eventLoop, loop) in loops { try? await eventLoop.submit { body(loop.value) }.get() }
    }
}
