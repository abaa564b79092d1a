import DequeModule
import NIOCore
import NIOHPACK
import NIOHTTP2

/// One HTTP/2 stream: a request whose body comes in DATA frames, and its response. It belongs to its connection's loop.
///
/// The peer is given room for as much of the body as its run has taken; what the run writes waits here for as long as
/// the peer, or the connection, does not take it.
@available(freshet 0.1, *)
final class HTTP2Stream {
    private enum Output {
        /// None yet, or one that is still being written.
        case open
        /// All of it is written, and the last of it waits to be sent.
        case ending(Ending)
        case sent
    }

    private enum Ending {
        case complete
        /// The peer must see that it is not whole: what was sent reaches it, and nothing that could be taken for the
        /// end.
        case torn
        /// The answer is out and its request is not all here: the rest is not wanted (RFC 9113, section 8.1).
        case early
    }

    private struct Part {
        var bytes: ByteBuffer
        /// What it takes of the peer's window, padding included.
        var room: Int
    }

    let id: HTTP2StreamID
    private unowned let connection: HTTP2Connection
    private let loop: HTTPLoop
    private(set) var run: RequestRun?
    private let isHead: Bool
    private let hasRefusal: Bool

    private var parts: Deque<Part> = []
    private var isBodyComplete: Bool
    private var isEndTold = false
    private var isTakingParts = false
    /// Taken, and not given back to the peer's window yet.
    private var owed = 0

    private var output = Output.open
    private var queue: HTTP2SendQueue
    /// It is in the connection's line of those that wait for room there.
    var isInLine = false
    private var handed: UInt64 = 0
    /// Of the body: fields are compressed for the connection.
    private(set) var bytesSent: UInt64 = 0
    /// What this stream alone holds of what it has written and the peer has not taken.
    private var unsent = 0
    private var takenWhenNoted: UInt64 = 0
    private var progress = OutputProgress()
    private lazy var share = InflightShare(of: self, from: connection.peerAddress, on: loop) { $0.giveWay() }
    /// What the connection has moved while this stream waited for it alone.
    private var moved: UInt64 = 0
    private var movedBefore: UInt64
    /// Since when nothing was taken of a response whose run is over, and how much was by then.
    private var stalled: (since: NIODeadline, taken: UInt64)?
    /// Nobody is evicted whose stream was reset before: a full connection may not let go of it at once.
    private var isReset = false

    init(
        _ id: HTTP2StreamID,
        _ head: RequestHead,
        isBodyComplete: Bool,
        hasRefusal: Bool,
        on connection: HTTP2Connection
    ) {
        self.id = id
        self.connection = connection
        loop = connection.loop
        isHead = head.method == .HEAD
        self.isBodyComplete = isBodyComplete
        self.hasRefusal = hasRefusal
        queue = HTTP2SendQueue(window: connection.initialWindow)
        movedBefore = connection.taken
        run = RequestRun(head, on: loop, transport: self)
        loop.add(self)
    }

    func start(_ plan: RequestPlan) {
        run?.start(plan)
        takeParts()
    }

    // MARK: What the peer sends

    /// - Parameter room: what the part takes of the window, padding included.
    func received(_ bytes: ByteBuffer, room: Int) {
        // The rest of a body that nobody reads.
        guard run != nil else { return }
        parts.append(Part(bytes: bytes, room: room))
        takeParts()
    }

    func bodyEnded() {
        isBodyComplete = true
        takeParts()
    }

    /// The stream is no more, by the peer's doing or because all of it is done.
    func closed() {
        queue.drop()
        noteUnsent()
        output = .sent
        leaveRun()
        loop.remove(self)
    }

    private func takeParts() {
        guard !isTakingParts else { return }
        isTakingParts = true
        defer { isTakingParts = false }
        while let run, run.wantsBody {
            if let part = parts.popFirst() {
                run.received(part.bytes)
                if self.run != nil { giveRoom(part.room) }
            } else if isBodyComplete, !isEndTold {
                isEndTold = true
                run.bodyEnded()
            } else {
                break
            }
        }
    }

    /// What came before the stream broke is a part of the body, also where it waits for the append to be opened.
    private func handOverParts() {
        guard let run, run.isAppending else { return }
        let waiting = parts
        parts = []
        for part in waiting { run.received(part.bytes) }
        guard isBodyComplete, !isEndTold else { return }
        isEndTold = true
        run.bodyEnded()
    }

    /// Nobody is answered any more.
    private func leaveRun() {
        handOverParts()
        let run = run
        self.run = nil
        run?.left()
    }

    /// Lets the peer send as much more, in steps that are worth a frame.
    private func giveRoom(_ count: Int) {
        owed += count
        guard !isBodyComplete, owed >= HTTP2Connection.bodyWindow / 2 else { return }
        connection.write(.windowUpdate(windowSizeIncrement: owed), on: id)
        owed = 0
    }

    // MARK: What is sent

    func widen(by count: Int) {
        let wasShut = queue.window <= 0
        queue.widen(by: count)
        if wasShut { pump() }
    }

    /// Has nothing that waits, so that its run may have been told that the connection takes no more.
    var mayWaitForConnection: Bool { run != nil && queue.isEmpty }

    /// Its turn in the connection's line: a frame of what waits; where nothing does, its run is told that more is taken.
    func takeTurn() {
        isInLine = false
        if queue.isEmpty, let run { run.writabilityChanged() } else { pump(frames: 1) }
    }

    /// Sends what may be sent, and the end where that is next.
    ///
    /// - Parameters:
    ///   - frames: after how many the others have their turn.
    ///   - tellsRun: whether the run is told when all of it is out; one that is just writing sees it by itself.
    ///   - isNew: nothing has waited yet.
    func pump(frames: Int = .max, tellsRun: Bool = true, isNew: Bool = false) {
        defer { noteUnsent(isNew: isNew) }
        let wasEmpty = queue.isEmpty
        var sent = 0
        while sent < frames, !queue.isEmpty, connection.isWritable, let bytes = queue.next(atMost: connection.window) {
            sent += 1
            handed += UInt64(bytes.readableBytes)
            var isLast = false
            if queue.isEmpty, case .ending(.complete) = output { isLast = true }
            connection.write(bytes, on: id, isLast: isLast)
            if isLast { return complete() }
        }
        guard queue.isEmpty else {
            if !queue.waitsForWindow { connection.standInLine(self) }
            return
        }
        if !end(), !wasEmpty, tellsRun { run?.writabilityChanged() }
    }

    /// What is left of a buffer holds all of it.
    private func noteUnsent(isNew: Bool = false) {
        guard unsent > 0 else { return }
        if queue.isEmpty { unsent = 0 }
        // What the connection takes at once says nothing of the peer.
        if !isNew { progress.note(handed - takenWhenNoted) }
        share.hold(unsent, .output, hasMoved: handed != takenWhenNoted, isTaken: progress.isTaken)
        takenWhenNoted = handed
    }

    /// There is not memory for all that is in flight, and what waits here is most of it.
    private func giveWay() {
        guard !queue.isEmpty, !(run?.giveWayWithOutput() ?? false) else { return }
        // Nothing is being added to it any more: nobody takes it.
        if run == nil { evict() }
    }

    /// Nobody takes the rest of a response whose run is over.
    private func evict() {
        if !isReset { loop.evicted(form: "response", from: peerAddress) }
        isReset = true
        connection.reset(id, .cancel)
    }

    /// Everything is out but the end. False when it is not time for one.
    private func end() -> Bool {
        guard case .ending(let ending) = output else { return false }
        switch ending {
        case .complete:
            connection.write(ByteBuffer(), on: id, isLast: true)
            complete()
        case .torn: reset(.internalError)
        case .early: reset(.noError)
        }
        return true
    }

    private func complete() {
        guard !isBodyComplete else { return output = .sent }
        output = .ending(.early)
        reset(.noError)
    }

    /// Resets the stream once all that was written is out: what NIO still holds for a full connection would go with it.
    private func reset(_ code: HTTP2ErrorCode) {
        connection.flush()
        guard connection.isWritable else { return connection.standInLine(self) }
        output = .sent
        connection.reset(id, code)
    }

    private func begin(_ ending: Ending) {
        guard case .open = output else { return }
        output = .ending(ending)
        run = nil
        parts = []
        if queue.isEmpty { _ = end() }
    }

    private func write(_ status: Int, _ fields: [HeaderField], length: Int?, isLast: Bool = false) {
        let headers = HTTP2Syntax.headers(status, fields, date: loop.encoder.currentDate(), length: length)
        connection.write(.headers(.init(headers: headers, endStream: isLast)), on: id)
    }
}

@available(freshet 0.1, *)
extension HTTP2Stream: HTTPLoopMember {
    var isBusy: Bool { true }

    func tick(now: NIODeadline) {
        if let run { return run.tick(now: now) }
        // The response is written, and the peer takes its time.
        let taken = bytesTaken
        guard let stalled, stalled.taken == taken else { return self.stalled = (now, taken) }
        let patience = hasRefusal ? loop.configuration.refusedTime : loop.configuration.writeStall
        if now - stalled.since >= patience { evict() }
    }

    func drain(closesIdle: Bool) { run?.drain() }

    func abandon() { abort(reset: false) }
}

@available(freshet 0.1, *)
extension HTTP2Stream: RequestTransport {
    var peerAddress: String { connection.peerAddress }

    /// Frames are HTTP/2's own.
    var framing: BodyFraming { .plain }

    var isWritable: Bool { queue.isEmpty && connection.isWritable }

    var bytesTaken: UInt64 {
        // Who waits for the connection alone moves with it; who waits for their own window does not.
        if !queue.waitsForWindow { moved += connection.taken - movedBefore }
        movedBefore = connection.taken
        return handed + moved
    }

    func send(_ response: Response) {
        guard case .open = output else { return }
        let hasBody = response.status != 204 && response.status != 304
        // The length a GET would show, or none: to a HEAD, a response made without a body does not know it.
        let hasLength = hasBody && response.framing == .length && (!isHead || !response.body.isEmpty)
        let body = hasBody && !isHead ? response.body : []
        run = nil
        parts = []
        write(
            response.status,
            response.headers,
            length: hasLength ? response.body.count : nil,
            isLast: body.isEmpty
        )
        if body.isEmpty { return complete() }
        queue.append(ByteBuffer(bytes: body))
        bytesSent += UInt64(body.count)
        unsent += body.count
        begin(.complete)
        pump()
    }

    func send(_ head: ResponseHead, _ part: ByteBuffer) -> Int {
        guard case .open = output else { return 0 }
        let hasBody = head.status != 204 && head.status != 304
        write(head.status, head.headers, length: hasBody ? head.length : nil)
        if !isHead { send(part) }
        return part.readableBytes
    }

    @discardableResult
    func send(_ part: ByteBuffer) -> Bool { send(part, sharedBy: 1) }

    @discardableResult
    func send(_ part: ByteBuffer, sharedBy readers: Int) -> Bool {
        guard case .open = output, part.readableBytes > 0 else { return isWritable }
        // Those in line are served in turn, and nobody goes past them.
        let waits = isInLine || connection.hasLine
        if !waits, connection.isWritable, queue.passes(part, atMost: connection.window) {
            handed += UInt64(part.readableBytes)
            takenWhenNoted = handed
            connection.write(part, on: id, isLast: false)
            return isWritable
        }
        let isNew = queue.isEmpty
        queue.append(part)
        bytesSent += UInt64(part.readableBytes)
        unsent += part.readableBytes / max(1, readers)
        if waits {
            if !queue.waitsForWindow { connection.standInLine(self) }
            noteUnsent()
        } else {
            pump(tellsRun: false, isNew: isNew)
        }
        return isWritable
    }

    func finish(isComplete: Bool) { begin(isComplete ? .complete : .torn) }

    func abort(reset: Bool) {
        if case .sent = output { return }
        queue.drop()
        noteUnsent()
        output = .sent
        leaveRun()
        isReset = true
        connection.reset(id, .internalError)
    }

    func bodyWantChanged() { takeParts() }

    func sendContinue() {
        connection.write(.headers(.init(headers: [":status": "100"])), on: id)
    }

    // A peer that leaves is always seen: nothing stops its frames from being read.
    func responseWaits() {}

    func responseStreams() {}
}
