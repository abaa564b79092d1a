import NIOCore
import StreamCore

/// One reader that follows a stream: carries out what its machine decides. Bound to its connection's event loop.
@available(freshet 0.1, *)
final class Subscriber: TailReader {
    let name: StreamName
    let plane: LoopPlane
    var plan: SubscriptionPlan
    private let framing: BodyFraming
    /// Gone as soon as its peer is, which may be found while something is written.
    weak var run: RequestRun?
    private unowned let sink: any ResponseSink
    private var machine: SubscriberMachine
    var kind: ContentType.Kind = .eventStream
    /// `retry` still has to be told: it rides in the first block.
    private var retry: Int?
    private var lastWrite: NIODeadline
    /// Since when the peer has taken nothing, and how much it had taken by then.
    private var blocked: (since: NIODeadline, taken: UInt64)?
    private let since: NIODeadline
    /// The head and what stood first are written.
    var isOpened = false
    private var countsAsHeld = false
    /// The stream was taken away, if what is read next agrees: its name may have been made anew before this reader
    /// came.
    var removal: Removal?
    /// How many events it was given.
    var events = 0
    /// The place in its group, kept by the group.
    var index = 0
    var holdsItsOwnBytes: Bool { !sink.sharesBytes }

    init(plan: SubscriptionPlan, run: RequestRun, plane: LoopPlane) {
        self.name = plan.name
        self.plan = plan
        self.run = run
        self.sink = run.transport
        self.framing = sink.framing
        self.plane = plane
        self.retry = plan.form == .sse ? plane.configuration.retryMilliseconds : nil
        self.since = .now()
        self.lastWrite = since
        switch plan.opening {
        case .held:
            machine = SubscriberMachine(holding: ())
            countsAsHeld = true
        case .page(let page), .now(let page), .malformed(let page):
            machine = SubscriberMachine(at: page.last)
            kind = page.contentType.kind
        }
    }

    func count(into metrics: inout DataPlaneMetrics) {
        if machine.isHeld { metrics.heldReaders += 1 } else { metrics.readers[plan.form, default: 0] += 1 }
    }

    func standing(at now: NIODeadline) -> ReaderStanding {
        ReaderStanding(
            form: plan.form,
            address: run?.peerAddress ?? "",
            state: machine.standing,
            position: machine.cursor,
            events: events,
            age: now - since,
            stalledFor: blocked.map { now - $0.since }
        )
    }

    /// Writes the head, the first bytes and the first page in one go, and begins to follow.
    func open() {
        plane.counts.reads[plan.form, default: 0] += 1
        if plan.isResume { plane.counts.resumes += 1 }
        var part = plan.form.greeting
        var isOver = false
        var isTorn = false
        switch plan.opening {
        case .held: break
        case .page(let page) where plan.form.isPlanEnded:
            let conclusion = appendForeign(page, to: &part)
            isOver = conclusion != nil
            isTorn = conclusion?.isTorn ?? false
        case .page(let page):
            append(page, gapAt: plan.requested, to: &part)
            isOver = page.end != nil
        case .now(let page) where plan.form == .durableStreams:
            append(page, gapAt: nil, to: &part)
            isOver = page.end != nil
        case .now(let page):
            note(page.end)
            writer.appendStart(at: page.last, retry: takeRetry(), to: &part)
            if let end = page.end { writer.appendEnd(end, retry: takeRetry(), to: &part) }
            isOver = page.end != nil
        case .malformed(let page):
            plane.counts.gaps += 1
            writer.appendGap(requested: plan.requested, resumed: page.floor, retry: takeRetry(), to: &part)
            append(page, gapAt: nil, to: &part)
            isOver = page.end != nil
        }
        isOpened = true
        let bytes = framing.framed(part, then: isOver ? framing.end(isComplete: !isTorn) : [])
        if isOver { machine.finish() }
        lastWrite = .now()
        plane.counts.deliveredBytes += run?.send(ResponseHead(200, headers: plan.headers), bytes) ?? 0
        noteDelivery(plan.opening.events)
        // What was written is held by nobody else.
        plan.opening.forgetEvents()
        if isOver {
            run?.finished(isComplete: !isTorn)
        } else if !machine.isFinished {
            plane.add(self)
            noteWritability()
        }
    }

    // MARK: What happens to the stream

    func ready() {
        guard !machine.isFinished else { return }
        perform(machine.ready(takesMore: sink.isWritable))
    }

    func created() { perform(machine.created()) }

    func broken() { machine.broken() }

    func trimmed(floor: Offset) { perform(machine.trimmed(floor: floor)) }

    func removed(_ removal: Removal) {
        self.removal = removal
        perform(machine.removed())
    }

    func committed(_ batch: TailBatch) {
        switch machine.committed(batch.boundaries) {
        case .ignore: break
        case .read(let position): perform(.read(position))
        case .deliver(let index):
            var shape = TailBatch.Shape(writer: writer, framing: framing, retry: takeRetry())
            if plan.form == .durableStreams { shape.cursor = plan.cursor() }
            let buffer = batch.buffer(from: index, shape)
            plane.counts.deliveries += batch.eventCount(from: index)
            if let end = batch.end {
                machine.finish()
                note(end)
                var last = buffer
                var isTorn = false
                if plan.form.isPlanEnded {
                    let words = plan.conclude(.ended(end), events + batch.eventCount(from: index))
                    isTorn = words.isTorn
                    var framed: [UInt8] = []
                    framing.append(words.bytes, to: &framed)
                    last.writeBytes(framed)
                }
                last.writeBytes(framing.end(isComplete: !isTorn))
                send(last)
                noteDelivery(batch.eventCount(from: index))
                leave()
                run?.finished(isComplete: !isTorn)
            } else {
                lastWrite = batch.moment
                plane.counts.deliveredBytes += buffer.readableBytes
                let takesMore = sink.send(buffer, sharedBy: batch.readers)
                noteDelivery(batch.eventCount(from: index))
                if !takesMore { noteWritability() }
            }
        }
    }

    // MARK: What happens to the connection

    func writabilityChanged() {
        if sink.isWritable {
            blocked = nil
            perform(machine.becameWritable())
        } else {
            noteWritability()
        }
    }

    /// The peer is gone.
    func disconnected() {
        guard !machine.isFinished else { return }
        machine.finish()
        leave()
    }

    /// Time passes: heartbeats for the quiet, an end for the stalled.
    func tick(now: NIODeadline) {
        guard !machine.isFinished else { return }
        if !sink.isWritable {
            // Slow is not stalled: a large event may take a while on a poor line, and would take it again.
            let taken = sink.bytesTaken
            guard let blocked, taken == blocked.taken else { return self.blocked = (now, taken) }
            if now - blocked.since >= plane.configuration.writeStall {
                plane.counts.evictions += 1
                run?.noteEviction(from: name, form: "\(plan.form)")
                machine.finish()
                leave()
                run?.giveUp()
            }
            return
        }
        if machine.isHeld, now - since >= plane.configuration.holdTime {
            return sayFarewell(.overloaded)
        }
        if plan.form == .durableStreams, now - since >= plane.configuration.durableStreamsTime {
            run?.note(.renewed)
            return finish(with: [])
        }
        if now - lastWrite >= plane.configuration.heartbeat { beat() }
    }

    /// Asks the reader to come back later, and ends the response.
    func sayFarewell(_ why: ReconnectReason) {
        guard !machine.isFinished else { return }
        plane.counts.reconnects[why, default: 0] += 1
        run?.note(AccessEnd(why))
        if plan.form.isPlanEnded { return finish(.unavailable(why)) }
        var part: [UInt8] = []
        writer.appendReconnect(why, retry: plane.jitteredRetry(why), to: &part)
        finish(with: part)
    }

    /// What it has not taken is most of what is in flight: it comes back for it, from where it is.
    func giveWay() {
        guard !machine.isFinished else { return }
        if sink.isWritable { return sayFarewell(.overloaded) }
        plane.counts.evictions += 1
        run?.noteEviction(from: name, form: "\(plan.form)")
        machine.finish()
        leave()
        run?.giveUp()
    }

    // MARK: -

    private var writer: EventWriter { EventWriter(form: plan.form, kind: kind) }

    func takeRetry() -> Int? {
        defer { retry = nil }
        return retry
    }

    private func beat() {
        var bytes: [UInt8] = []
        if plane.configuration.heartbeatEvent, plan.form == .sse || plan.form == .ndjson {
            var part: [UInt8] = []
            writer.append(.heartbeat, id: nil, data: Array("{}".utf8), retry: takeRetry(), to: &part)
            framing.append(part, to: &bytes)
        } else {
            framing.append(plan.heartbeat ?? plan.form.heartbeat, to: &bytes)
        }
        send(ByteBuffer(bytes: bytes))
        noteWritability()
    }

    private func perform(_ step: SubscriberMachine.Step) {
        guard case .read(let position) = step, !machine.isFinished else { return }
        plane.pages.take { [self] turn in
            guard !machine.isFinished else { return turn.end() }
            let bound = NIOLoopBound((self, turn), eventLoop: plane.eventLoop)
            let streams = plane.streams
            let name = name
            plane.eventLoop.immediately { () -> Result<Page?, StoreError> in
                do throws(StoreError) {
                    return .success(try await streams.read(name, from: position))
                } catch {
                    return .failure(error)
                }
            } then: { result in
                let (subscriber, turn) = bound.value
                turn.came((try? result.get())?.size ?? 0)
                subscriber.didRead(result, from: position)
                turn.end()
            }
        }
    }

    private func didRead(_ result: Result<Page?, StoreError>, from position: ReadPosition) {
        guard !machine.isFinished else { return }
        switch result {
        case .failure: sayFarewell(.store)
        case .success(nil) where machine.cursor != nil: tellRemoval()
        case .success(nil):
            perform(machine.read(last: nil, isAtTail: true, takesMore: sink.isWritable))
        case .success(.some(let page)):
            // Another stream has the name by now.
            if removal != nil, machine.cursor != nil, page.standing == .unknown { return tellRemoval() }
            removal = nil
            let wasHeld = countsAsHeld
            giveBackHold()
            kind = page.contentType.kind
            var part: [UInt8] = []
            if wasHeld, case .held(tellsStart: true) = plan.opening, page.standing == .exact {
                writer.appendStart(at: page.floor, retry: takeRetry(), to: &part)
            }
            let requested =
                switch position {
                case .after(let offset): offset.text
                case .start, .now: "-1"
                }
            if plan.form.isPlanEnded {
                let conclusion = appendForeign(page, to: &part)
                if let conclusion { return finish(with: part, isTorn: conclusion.isTorn, events: page.events.count) }
            } else if plan.form == .durableStreams, page.standing != .exact {
                // The protocol has no word for a gap: the reader comes back, and is told 410.
                run?.note(.renewed)
                return finish(with: [])
            } else {
                append(page, gapAt: requested, to: &part)
            }
            if page.end != nil {
                finish(with: part)
                return
            }
            if !part.isEmpty {
                send(framing.framed(part))
                noteDelivery(page.events.count)
            }
            let step = machine.read(last: page.last, isAtTail: page.isAtTail, takesMore: sink.isWritable)
            noteWritability()
            // A long log is read page by page, the next one after those of others.
            perform(step)
        }
    }

    private func tellRemoval() {
        run?.note(.removed)
        // It may be gone before the store has said so.
        if plan.form.isPlanEnded { return finish(.removed(removal ?? .deleted)) }
        var part: [UInt8] = []
        writer.appendRemoval(removal ?? .deleted, retry: takeRetry(), to: &part)
        finish(with: part)
    }

    private func finish(_ conclusion: SubscriptionPlan.Conclusion) {
        let words = plan.conclude(conclusion, events)
        finish(with: words.bytes, isTorn: words.isTorn)
    }

    private func finish(with part: [UInt8], isTorn: Bool = false, events: Int = 0) {
        machine.finish()
        send(framing.framed(part, then: framing.end(isComplete: !isTorn)))
        noteDelivery(events)
        leave()
        run?.finished(isComplete: !isTorn)
    }

    /// Why the read is about to be over, where its stream is.
    func note(_ end: StreamEnd?) {
        if let end { run?.note(AccessEnd(end.reason)) }
    }

    private func noteDelivery(_ events: Int) {
        guard events > 0 else { return }
        self.events += events
        plan.delivered?(events)
    }

    private func send(_ buffer: ByteBuffer) {
        lastWrite = .now()
        plane.counts.deliveredBytes += buffer.readableBytes
        sink.send(buffer)
    }

    private func noteWritability() {
        guard !sink.isWritable else { return }
        if blocked == nil { blocked = (.now(), sink.bytesTaken) }
        machine.becameUnwritable()
    }

    private func leave() {
        giveBackHold()
        plane.remove(self)
    }

    private func giveBackHold() {
        guard countsAsHeld else { return }
        countsAsHeld = false
        plane.held.give(back: name)
    }
}
