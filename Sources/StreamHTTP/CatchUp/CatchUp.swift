import NIOCore
import StreamCore

/// One catch-up read whose body is more than a page: reads page by page as fast as the peer takes them, and carries out
/// what its machine decides. Bound to its connection's event loop.
@available(freshet 0.1, *)
final class CatchUp {
    private var plan: CatchUpPlan
    private let plane: LoopPlane
    private let framing: BodyFraming
    /// Gone as soon as its peer is, which may be found while something is written.
    private weak var run: RequestRun?
    private unowned let sink: any ResponseSink
    private var machine: CatchUpMachine
    private var writer: ByteView.Writer
    /// Since when the peer has taken nothing, and how much it had taken by then.
    private var blocked: (since: NIODeadline, taken: UInt64)?
    private var isAttached = false
    /// It was logged why it is torn.
    private var isTold = false

    init(plan: CatchUpPlan, run: RequestRun, plane: LoopPlane) {
        self.plan = plan
        self.plane = plane
        self.run = run
        self.sink = run.transport
        self.framing = sink.framing
        self.machine = CatchUpMachine(at: plan.page.last, through: plan.through)
        self.writer = ByteView.Writer(kind: plan.page.contentType.kind)
    }

    /// Writes the head and the first page.
    func open() {
        isAttached = true
        plane.streams.attachReader(plan.name)
        run?.send(ResponseHead(200, headers: plan.headers), framed(plan.page.events))
        // What was written is held by nobody else.
        plan.page.events = []
        wrote()
    }

    // MARK: What happens to the connection

    func writabilityChanged() {
        guard sink.isWritable else { return }
        blocked = nil
        perform(machine.becameWritable())
    }

    /// The peer is gone.
    func disconnected() {
        machine.left()
        leave()
    }

    /// The server goes away.
    func drain() { perform(machine.giveUp()) }

    /// Slow is not stalled: whatever the peer takes gives it more time.
    func tick(now: NIODeadline) {
        guard !machine.isOver else { return }
        guard !sink.isWritable else { return blocked = nil }
        let taken = sink.bytesTaken
        guard let blocked, taken == blocked.taken else { return self.blocked = (now, taken) }
        guard now - blocked.since >= plane.configuration.writeStall else { return }
        plane.counts.evictions += 1
        run?.noteEviction(from: plan.name, form: "catch-up")
        isTold = true
        perform(machine.giveUp())
    }

    // MARK: -

    private func perform(_ step: CatchUpMachine.Step) {
        switch step {
        case .wait: break
        case .read(let offset): read(after: offset)
        case .complete:
            leave()
            run?.finished()
        case .tear:
            leave()
            if !isTold { run?.noteCut(of: plan.name) }
            // A body without frames ends with the connection, so that only a reset tells that it is torn.
            run?.giveUp(reset: framing == .plain)
        case .write: preconditionFailure("written where it was read")
        }
    }

    private func read(after offset: Offset) {
        plane.pages.take { [self] turn in
            guard !machine.isOver else { return turn.end() }
            let bound = NIOLoopBound((self, turn), eventLoop: plane.eventLoop)
            let (streams, name) = (plane.streams, plan.name)
            plane.eventLoop.immediately { () -> Page? in
                try? await streams.read(name, from: .after(offset))
            } then: { page in
                let (catchUp, turn) = bound.value
                turn.came(page?.size ?? 0)
                catchUp.didRead(page)
                turn.end()
            }
        }
    }

    private func didRead(_ page: Page?) {
        let stretch = page.map { CatchUpMachine.Stretch(standing: $0.standing, offsets: $0.events.map(\.offset)) }
        let step = machine.read(stretch)
        guard case .write(let count) = step, let page else { return perform(step) }
        sink.send(framed(page.events.prefix(count)))
        wrote()
    }

    /// Events as they go on the wire; with the end of the body behind the last of them.
    private func framed(_ events: some BidirectionalCollection<StreamEvent>) -> ByteBuffer {
        var part: [UInt8] = []
        // Once: a buffer that grows is there twice while it does.
        part.reserveCapacity(events.reduce(2) { $0 + $1.body.size + 1 })
        writer.append(events, to: &part)
        let isLast = events.last?.offset == plan.through
        if isLast { writer.finish(&part) }
        return framing.framed(part, then: isLast ? framing.terminator : [])
    }

    private func wrote() {
        let takesMore = sink.isWritable
        if !takesMore, blocked == nil { blocked = (.now(), sink.bytesTaken) }
        // The next page comes after those of others.
        perform(machine.wrote(takesMore: takesMore))
    }

    private func leave() {
        guard isAttached else { return }
        isAttached = false
        plane.streams.detachReader(plan.name)
    }
}
