import NIOCore
import StreamCore

/// One reader that waits at the tail of a stream for the next thing to be told, and then is answered. It obeys the same
/// machine as a reader that goes on. Bound to its connection's event loop.
@available(freshet 0.1, *)
final class LongPoll: TailReader {
    let name: StreamName
    var index = 0
    /// The response is one piece, its head included.
    let holdsItsOwnBytes = true
    private let plan: LongPollPlan
    private let address: String
    private let plane: LoopPlane
    private let onResponse: (Response) -> Void
    private var machine: SubscriberMachine
    private let since: NIODeadline
    /// It has waited long enough, and the last look is on its way.
    private var isLate = false

    /// - Parameters:
    ///   - address: the peer's.
    ///   - onResponse: called once, unless the peer goes first.
    init(plan: LongPollPlan, address: String, plane: LoopPlane, onResponse: @escaping (Response) -> Void) {
        self.name = plan.name
        self.plan = plan
        self.address = address
        self.plane = plane
        self.onResponse = onResponse
        self.machine = SubscriberMachine(at: plan.position)
        self.since = .now()
    }

    func open() { plane.add(self) }

    func count(into metrics: inout DataPlaneMetrics) { metrics.longPolls += 1 }

    func standing(at now: NIODeadline) -> ReaderStanding {
        ReaderStanding(
            form: nil,
            address: address,
            state: machine.standing,
            position: machine.cursor,
            events: 0,
            age: now - since,
            stalledFor: nil
        )
    }

    // MARK: What happens to the stream

    func ready() {
        guard !machine.isFinished else { return }
        perform(machine.ready(takesMore: true))
    }

    func created() { perform(machine.created()) }

    func broken() { machine.broken() }

    func trimmed(floor: Offset) { perform(machine.trimmed(floor: floor)) }

    /// The log is asked how that is to be told. A stream made anew under the name is another one.
    func removed(_ removal: Removal) {
        guard !machine.isFinished else { return }
        look()
    }

    func committed(_ batch: TailBatch) {
        switch machine.committed(batch.boundaries) {
        case .ignore: break
        case .read(let position): perform(.read(position))
        case .deliver(let index):
            let last = batch.items[batch.items.count - 1]
            let hasEvents = batch.items[index...].contains { !$0.events.isEmpty }
            let body = hasEvents ? batch.byteView(from: index, kind: plan.kind) : nil
            finish(plan.response(LongPollNews(last: last.last, end: last.end, body: body)))
        }
    }

    // MARK: What happens to the connection

    /// The peer is gone.
    func disconnected() {
        guard !machine.isFinished else { return }
        machine.finish()
        plane.remove(self)
    }

    func tick(now: NIODeadline) {
        if now - since >= plane.configuration.longPollTime { giveUp() }
    }

    /// Answers with what there is now, or that there is nothing: this loop may not have heard yet of what the store
    /// has.
    func giveUp() {
        guard !isLate, !machine.isFinished else { return }
        isLate = true
        look(isLast: true)
    }

    // MARK: -

    private func perform(_ step: SubscriberMachine.Step) {
        guard case .read = step, !machine.isFinished else { return }
        look()
    }

    private func look(isLast: Bool = false) {
        plane.pages.take { [self] turn in
            guard !machine.isFinished else { return turn.end() }
            let bound = NIOLoopBound((self, turn), eventLoop: plane.eventLoop)
            plane.eventLoop.immediately(plan.look) { response in
                let (longPoll, turn) = bound.value
                turn.came(response?.body.count ?? 0)
                longPoll.looked(response, isLast: isLast)
                turn.end()
            }
        }
    }

    private func looked(_ response: Response?, isLast: Bool) {
        if let response { return finish(response) }
        if isLast { return finish(plan.response(LongPollNews(last: plan.position))) }
        perform(machine.read(last: plan.position, isAtTail: true, takesMore: true))
    }

    private func finish(_ response: Response) {
        guard !machine.isFinished else { return }
        machine.finish()
        plane.remove(self)
        onResponse(response)
    }
}
