import Locks
package import NIOCore
package import StreamCore

/// The data plane for requests that come over another server's connections: the same subscribers, live requests and
/// long-polls, with the same batches, encodings, heartbeats and farewells.
package final class HostedPlanes: Sendable {
    private let making: Task<[NIOLoopBound<LoopPlane>], Never>
    private let turn = Mutex(0)
    private let draining = Mutex(false)

    /// - Parameter group: the loops that readers are spread over; best those of the other server.
    package init(
        streams: Streams,
        configuration: DataPlaneConfiguration,
        held: HeldReaders,
        group: any EventLoopGroup
    ) {
        let loops = Array(group.makeIterator())
        making = Task {
            var planes: [NIOLoopBound<LoopPlane>] = []
            for loop in loops {
                planes.append(await StreamServer.makePlane(on: loop, streams, configuration, held))
            }
            return planes
        }
    }

    package var isDraining: Bool { draining.withLock(\.self) }

    /// Begins a read. Whoever writes what comes out of the pipe says when it leaves.
    package func subscribe(_ plan: SubscriptionPlan) async -> BodyPipe {
        let pipe = BodyPipe()
        let plane = await next()
        await on(plane) { HostedReader(plane: $0, pipe: pipe).open(plan) }
        return pipe
    }

    /// Waits for the answer to a long-poll; nil when the task was cancelled, or the server stopped.
    package func wait(_ plan: LongPollPlan) async -> Response? {
        let plane = await next()
        let eventLoop = plane.eventLoop
        let slot = Mutex<(poll: NIOLoopBound<HostedLongPoll>?, isCancelled: Bool)>((nil, false))
        return await withTaskCancellationHandler {
            await withCheckedContinuation { answer in
                eventLoop.execute {
                    let poll = HostedLongPoll(plane: plane.value, answer: answer)
                    let isCancelled = slot.withLock { slot in
                        slot.poll = NIOLoopBound(poll, eventLoop: eventLoop)
                        return slot.isCancelled
                    }
                    if isCancelled { poll.left() } else { poll.open(plan) }
                }
            }
        } onCancel: {
            let poll = slot.withLock { slot in
                slot.isCancelled = true
                return slot.poll
            }
            if let poll { eventLoop.execute { poll.value.left() } }
        }
    }

    /// Appends a body while it arrives, and returns the final answer; nil when there is nobody to answer.
    package func live<Body: AsyncSequence & Sendable>(_ plan: LivePlan, body: Body) async -> Response?
    where Body.Element == ByteBuffer {
        let plane = await next()
        let eventLoop = plane.eventLoop
        let opened = eventLoop.submit {
            let live = HostedLive(plane: plane.value)
            live.open(plan)
            return NIOLoopBound(live, eventLoop: eventLoop)
        }
        guard let live = try? await opened.get() else { return nil }
        return await withTaskGroup(of: Void.self) { group in
            group.addTask { await Self.feed(live, body) }
            let response = await withCheckedContinuation { answer in
                eventLoop.execute { live.value.whenAnswered(answer) }
            }
            // What is left of the body is nobody's any more.
            group.cancelAll()
            return response
        }
    }

    private static func feed<Body: AsyncSequence>(_ live: NIOLoopBound<HostedLive>, _ body: Body) async
    where Body.Element == ByteBuffer {
        let eventLoop = live.eventLoop
        do {
            guard await wanted(live) else { return }
            for try await part in body {
                eventLoop.execute { live.value.received(part) }
                guard await wanted(live) else { return }
            }
            // A cancelled iterator ends as a whole body does.
            let isWhole = !Task.isCancelled
            eventLoop.execute { if isWhole { live.value.bodyEnded() } else { live.value.torn() } }
        } catch {
            eventLoop.execute { live.value.torn() }
        }
    }

    private static func wanted(_ live: NIOLoopBound<HostedLive>) async -> Bool {
        await withCheckedContinuation { continuation in
            live.eventLoop.execute { live.value.whenWanted(continuation) }
        }
    }

    // MARK: Going away

    /// Readers of streams that nobody writes are asked to come back; the others may stay for the end.
    package func beginDraining() async {
        draining.withLock { $0 = true }
        for plane in await making.value { await on(plane) { $0.beginDraining() } }
    }

    /// The deadline: everybody goes.
    package func endDraining() async {
        for plane in await making.value { await on(plane) { $0.endDraining() } }
    }

    /// Requests that are still in the middle of something.
    package func busy() async -> Int {
        var count = 0
        for plane in await making.value {
            count += (try? await plane.eventLoop.submit { plane.value.busyConnections }.get()) ?? 0
        }
        return count
    }

    /// Cuts off what is left.
    package func stop() async {
        for plane in await making.value { await on(plane) { $0.stop() } }
    }

    /// The plane of the next loop, in turn.
    private func next() async -> NIOLoopBound<LoopPlane> {
        let planes = await making.value
        let index = turn.withLock { turn in
            turn = (turn + 1) % planes.count
            return turn
        }
        return planes[index]
    }

    private func on(_ plane: NIOLoopBound<LoopPlane>, _ body: @escaping @Sendable (LoopPlane) -> Void) async {
        try? await plane.eventLoop.submit { body(plane.value) }.get()
    }
}
