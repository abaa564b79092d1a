package import NIOCore
import StreamCore
import Tracing

/// Everything of the HTTP server that belongs to one event loop: who is connected, what is counted, and what passes
/// with time.
@available(freshet 0.1, *)
package final class HTTPLoop {
    let eventLoop: any EventLoop
    let configuration: DataPlaneConfiguration
    package let responder: any Responder
    let log: ServerLog
    /// Who did what; nil where nobody asked for it.
    private let accessLog: AccessLog?
    /// Makes a span of each request; nil where nobody traces.
    private let tracer: (any Tracer)?
    var encoder: ResponseEncoder
    /// What happened here.
    var counts = DataPlaneMetrics()
    /// Now, as of the last tick, in seconds since 1970.
    private(set) var second: Int64 = 0
    private let time: any TimeSource
    package private(set) var isDraining = false
    /// The server is no more: whoever is left did not leave.
    private(set) var isStopped = false
    private var members: [ObjectIdentifier: any HTTPLoopMember] = [:]
    private var ticking: RepeatedTask?
    /// HTTP/2 connections with something to flush.
    private var unflushed: [HTTP2Connection] = []
    /// One that nobody uses, so that connections that write in turn need no memory each.
    var spareBuffer: ByteBuffer?

    init(
        _ eventLoop: any EventLoop,
        responder: any Responder,
        configuration: DataPlaneConfiguration,
        time: any TimeSource,
        log: ServerLog,
        accessLog: AccessLog? = nil,
        tracer: (any Tracer)? = nil
    ) {
        self.eventLoop = eventLoop
        self.configuration = configuration
        self.responder = responder
        self.log = log
        self.accessLog = accessLog
        self.tracer = tracer
        self.time = time
        self.encoder = ResponseEncoder(time: time, prepared: responder.commonFields(for: nil))
    }

    func start() {
        let bound = NIOLoopBound(self, eventLoop: eventLoop)
        ticking = eventLoop.scheduleRepeatedTask(initialDelay: configuration.tick, delay: configuration.tick) { _ in
            let now = NIODeadline.now()
            bound.value.second = Int64(bound.value.time.wallMilliseconds() / 1000)
            for member in bound.value.members.values { member.tick(now: now) }
            bound.value.log.tellLeftOut()
        }
    }

    /// After this the event loop holds nothing of it.
    func stop() {
        ticking?.cancel()
        ticking = nil
        isStopped = true
        for member in members.values { member.abandon() }
    }

    package func add(_ member: any HTTPLoopMember) { members[ObjectIdentifier(member)] = member }

    package func remove(_ member: any HTTPLoopMember) { members[ObjectIdentifier(member)] = nil }

    // MARK: HTTP/2

    /// Flushes a connection, once, after all else that is to happen in this turn: the connections of a turn are one task.
    func flushSoon(_ connection: HTTP2Connection) {
        unflushed.append(connection)
        guard unflushed.count == 1 else { return }
        let bound = NIOLoopBound(self, eventLoop: eventLoop)
        eventLoop.execute {
            let connections = bound.value.unflushed
            bound.value.unflushed = []
            for connection in connections { connection.flushInTurn() }
        }
    }

    func takeSpareBuffer() -> ByteBuffer {
        defer { spareBuffer = nil }
        return spareBuffer ?? ByteBufferAllocator().buffer(capacity: 256)
    }

    // MARK: What all responses have

    /// The response as it is sent, counted, and logged if the request failed.
    ///
    /// - Parameter began: when the request came, where it is known and did not wait for somebody else.
    func sent(_ response: Response, to head: RequestHead?, of peer: String, began: NIODeadline? = nil) -> Response {
        let problem = response.problem?.code
        var response = responder.shaped(response, for: head)
        count(head, began)
        response.headers += responder.commonFields(for: head)
        counts.responses[response.status, default: 0] += 1
        if let why = response.reconnect { counts.reconnects[why, default: 0] += 1 }
        noteFailure(head, response.status, problem, from: peer)
        return response
    }

    func sent(_ response: ResponseHead, to head: RequestHead?, of peer: String, began: NIODeadline? = nil)
        -> ResponseHead
    {
        var response = response
        count(head, began)
        response.headers += responder.commonFields(for: head)
        counts.responses[response.status, default: 0] += 1
        noteFailure(head, response.status, nil, from: peer)
        return response
    }

    private func noteFailure(_ head: RequestHead?, _ status: Int, _ problem: String?, from peer: String) {
        // Looked at here too: to hand over a method of the responder takes an allocation.
        guard status >= 400 else { return }
        log.failed(head, status: status, problem: problem, from: peer, responder.isSecret)
    }

    private func count(_ head: RequestHead?, _ began: NIODeadline?) {
        guard let head, let began else { return }
        let took = Duration(NIODeadline.now() - began)
        counts.requestTimes[CountedMethod(head.method), default: LatencyHistogram()].add(took)
    }

    /// What the access log will say of a request; nil where there is no such log.
    ///
    /// - Parameters:
    ///   - head: nil for what never became a request.
    ///   - sent: how many bytes its transport has sent by now.
    func record(
        of head: RequestHead?,
        from peer: @autoclosure () -> String,
        sent: @autoclosure () -> UInt64
    ) -> AccessRecord? {
        guard let accessLog else { return nil }
        return AccessRecord(
            of: head,
            from: peer(),
            sent: sent(),
            in: accessLog,
            time: time,
            isSecret: responder.isSecret
        )
    }

    /// What a trace will say of a request; nil where there is none.
    func span(of head: RequestHead) -> RequestSpan? {
        guard let tracer else { return nil }
        return RequestSpan(of: head, route: responder.route(of: head), by: tracer, isSecret: responder.isSecret)
    }

    /// A peer that took nothing of a response is sent away: a response that was written to its end, or an exchange.
    func evicted(form: String, from peer: String) {
        counts.evictions += 1
        log.evicted(nil, form: form, from: peer)
    }

    // MARK: Drain

    /// Begins to move everyone elsewhere: readers of streams that nobody writes are asked to come back at once; those
    /// of a stream with a producer at work stay for its end. New connections are welcome: who appends to a stream that
    /// is being written may do so on one.
    func beginDraining() {
        isDraining = true
        // A request may be under way on a connection that is idle here: it is answered, and is the last.
        for member in members.values where member.run?.mayLeave ?? true { member.drain(closesIdle: false) }
    }

    /// The deadline has come: everybody goes.
    func endDraining() {
        for member in members.values { member.drain(closesIdle: true) }
    }

    // MARK: Rights

    /// How many requests are asked about their rights at once, so that others hardly wait.
    static let slice = 200

    /// The rules about who may have changed: every open request is asked whether it still has its right, and those that
    /// have not are ended, some at a time.
    func reviewRights() { reviewRights(of: Array(members.keys)[...]) }

    private func reviewRights(of members: ArraySlice<ObjectIdentifier>) {
        for member in members.prefix(Self.slice) { self.members[member]?.run?.reviewRight() }
        let rest = members.dropFirst(Self.slice)
        guard !rest.isEmpty else { return }
        let bound = NIOLoopBound(self, eventLoop: eventLoop)
        // A loop runs what is executed before it looks at its sockets again.
        eventLoop.scheduleTask(in: .microseconds(100)) { bound.value.reviewRights(of: rest) }
    }

    /// By what each open request is there, to be asked about elsewhere.
    var grants: [(member: ObjectIdentifier, grant: any AccessGrant)] {
        members.compactMap { member, transport in transport.run?.grant.map { (member, $0) } }
    }

    /// - Parameter renewed: what came of asking about a grant; nil for no right any more.
    func goOn(_ member: ObjectIdentifier, by renewed: (any AccessGrant)?, insteadOf grant: any AccessGrant) {
        members[member]?.run?.goOn(by: renewed, insteadOf: grant)
    }

    // MARK: What can be told

    /// Members that still have something to do.
    var busyMembers: Int { members.values.count { $0.isBusy } }
}

/// A transport of requests, as the loop it belongs to sees it.
@available(freshet 0.1, *)
package protocol HTTPLoopMember: AnyObject {
    /// The request that is being answered now.
    var run: RequestRun? { get }
    var isBusy: Bool { get }
    func tick(now: NIODeadline)
    /// The server is going away.
    ///
    /// - Parameter closesIdle: whether nobody is waited for any more.
    func drain(closesIdle: Bool)
    /// The server is no more.
    func abandon()
}
