/// Carries out what the reconnect machine decides, over a transport.
@available(freshet 0.1, *)
struct ConnectionDriver<Transport: EventSourceTransport> {
    typealias Machine = ReconnectMachine<SystemRandomNumberGenerator>
    typealias Response = EventSourceResponse<Transport.Body>

    /// A head that answered a request, and the response to read on.
    private enum Received {
        case open(Response)
        case leave(Machine.Next)
    }

    let configuration: EventSource.Configuration
    let transport: Transport
    let handoff: Handoff<[EventSource.Element]>
    let restart: RestartSignal
    private let begin = ContinuousClock.now

    init(
        configuration: EventSource.Configuration,
        transport: Transport,
        handoff: Handoff<[EventSource.Element]>,
        restart: RestartSignal
    ) {
        self.configuration = configuration
        self.transport = transport
        self.handoff = handoff
        self.restart = restart
    }

    private var now: Duration { ContinuousClock.now - begin }

    /// Runs until the stream ends, fails for good or the task is cancelled.
    func run(url: String) async throws {
        var machine = try Machine(
            url: url,
            configuration: configuration,
            random: SystemRandomNumberGenerator()
        )
        while !Task.isCancelled {
            let next: Machine.Next
            switch try await request(&machine) {
            case .leave(let decided):
                next = decided
            case .open(let response):
                await handoff.send([.opened])
                next = try await read(response, &machine)
            }
            switch next {
            case .wait(let reconnection):
                await handoff.send([.reconnecting(reconnection)])
                _ = try await restart.interrupting { try await Task.sleep(for: reconnection.delay) }
                // It ended this wait, and no other.
                restart.take()
            case .finish(let end):
                if let end { await handoff.send([.end(end)]) }
                return
            case .fail(let error):
                throw error
            }
        }
    }

    /// Sends requests until one is answered by something other than a redirect, or a 401 that is answered by new fields.
    private func request(_ machine: inout Machine) async throws -> Received {
        var request: StreamRequest
        switch try await begin(&machine) {
        case .send(let first): request = first
        case .leave(let next): return .leave(next)
        }
        // What was asked for while there was nothing to drop is this attempt.
        restart.take()
        while true {
            let response: Response
            do {
                let sent = whole(request)
                let timeout = configuration.responseTimeout
                let answer = { @Sendable in
                    try await Deadline.within(timeout, "no response") { try await transport.send(sent) }
                }
                guard let answered = try await restart.interrupting(answer) else {
                    restart.take()
                    return .leave(machine.restarted(at: now))
                }
                response = answered
            } catch {
                try Task.checkCancellation()
                let what = TransportTrouble.describe(error)
                let isUnsent = (error as? EventSourceTransportError)?.isUnsent ?? false
                let how = isUnsent ? Machine.Disconnection.unreachable(what) : .failed(what)
                return .leave(machine.disconnected(how, at: now))
            }
            switch machine.received(ResponseHead(response), at: now) {
            case .open:
                return .open(response)
            case .send(let next):
                request = next
            case .renew:
                switch try await begin(&machine) {
                case .send(let next): request = next
                case .leave(let next): return .leave(await telling(next, response))
                }
            case .leave(let next):
                return .leave(await telling(next, response))
            }
        }
    }

    /// Begins an attempt, with the fields that are made for it.
    private func begin(_ machine: inout Machine) async throws -> Machine.MadeAction {
        guard let make = configuration.headersForAttempt else { return .send(machine.connect()) }
        do {
            let fields = try await make(machine.attempt)
            return machine.connect(with: fields.map { HeaderField(name: $0.name, value: $0.value) })
        } catch {
            try Task.checkCancellation()
            return .leave(machine.headersFailed(TransportTrouble.describe(error), at: now))
        }
    }

    /// Reads a body until it ends, the machine leaves it, it is silent for too long, or a restart is asked for.
    private func read(_ response: Response, _ machine: inout Machine) async throws -> Machine.Next {
        let watchdog = configuration.idleTimeout.map { IdleWatchdog(timeout: $0) }
        var limits: [@Sendable () async -> Void] = [{ [restart] in await restart.asked() }]
        if let watchdog { limits.append { try? await watchdog.expire() } }
        let decided = await ReadRace.run(&machine, until: limits) { machine in
            await read(response.body, &machine, watchdog: watchdog)
        }
        try Task.checkCancellation()
        if let decided { return decided }
        return restart.take() ? machine.restarted(at: now) : machine.disconnected(.idle, at: now)
    }

    /// Nil when the task was cancelled, so that nothing was decided.
    private func read(
        _ body: Transport.Body,
        _ machine: inout Machine,
        watchdog: IdleWatchdog?
    ) async -> Machine.Next? {
        var chunks = body.makeAsyncIterator()
        while true {
            let chunk: [UInt8]?
            do {
                watchdog?.readBegins()
                defer { watchdog?.readEnds() }
                chunk = try await chunks.next()
            } catch {
                return Task.isCancelled ? nil : machine.disconnected(.failed(TransportTrouble.describe(error)), at: now)
            }
            if Task.isCancelled { return nil }
            guard let chunk else { return machine.disconnected(.endOfBody, at: now) }
            var elements: [EventSource.Element] = []
            let action = chunk.withUnsafeBytes { machine.received($0, at: now, into: &elements) }
            if !elements.isEmpty { await handoff.send(elements) }
            if case .leave(let next) = action { return next }
        }
    }

    private func whole(_ request: Machine.Request) -> EventSourceRequest {
        EventSourceRequest(
            url: request.url,
            method: request.method,
            headers: request.fields(configuration),
            body: request.sendsBody ? configuration.body : nil
        )
    }
}

@available(freshet 0.1, *)
extension ResponseHead {
    fileprivate init<Body>(_ response: EventSourceResponse<Body>) {
        self.init(
            status: response.status,
            contentType: response.header("content-type"),
            contentEncoding: response.header("content-encoding"),
            location: response.header("location"),
            retryAfter: response.header("retry-after").flatMap { UInt32($0) }.map { .seconds(Int($0)) },
            endReason: response.header("stream-end-reason"),
            endDetail: response.header("stream-end-detail")
        )
    }
}
