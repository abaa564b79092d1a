import EventSource

/// Carries out what the read machine decides, over a transport.
@available(freshet 0.1, *)
struct ReadDriver<Transport: EventSourceTransport>: Sendable {
    typealias Machine = ReadMachine<SystemRandomNumberGenerator>
    typealias Response = EventSourceResponse<Transport.Body>

    let exchange: Exchange<Transport>
    let options: DurableStream.ReadOptions
    let handoff: Handoff<[DurableStream.Chunk]>
    private let begin = ContinuousClock.now

    init(exchange: Exchange<Transport>, options: DurableStream.ReadOptions, handoff: Handoff<[DurableStream.Chunk]>) {
        self.exchange = exchange
        self.options = options
        self.handoff = handoff
    }

    private var now: Duration { ContinuousClock.now - begin }

    /// Runs until the stream ends, the tail is reached if that was asked, reading fails for good, or the task is
    /// cancelled.
    func run(_ target: Target, from offset: DurableStream.Offset) async throws {
        var machine = Machine(
            target: target,
            from: offset,
            options: options,
            configuration: exchange.configuration,
            random: SystemRandomNumberGenerator()
        )
        var next = Machine.Next.send(machine.request(at: now))
        while true {
            try Task.checkCancellation()
            switch next {
            case .send(let request): next = try await carryOut(request, &machine)
            case .wait(let time):
                try await Task.sleep(until: begin + time, clock: .continuous)
                next = .send(machine.request(at: now))
            case .finish: return
            case .fail(let error): throw error
            }
        }
    }

    private func carryOut(_ request: Machine.Request, _ machine: inout Machine) async throws -> Machine.Next {
        let response: Response
        do {
            let timeout =
                request.form == .longPoll ? options.liveTimeout : exchange.configuration.responseTimeout
            response = try await exchange.open(.init(method: "GET", url: request.url), within: timeout)
        } catch let error as DurableStreamError {
            throw error
        } catch {
            try Task.checkCancellation()
            return machine.failed(TransportTrouble.describe(error), at: now)
        }
        let head = StreamResponse(status: response.status, fields: response.headers)
        guard head.status == 200 else {
            // Also of 204, whose body has nothing: read to its end, it gives its connection back.
            let body = await Exchange<Transport>.beginning(of: response.body)
            try Task.checkCancellation()
            let whole = StreamResponse(status: response.status, fields: response.headers, body: body)
            let (chunk, next) = machine.answered(whole, at: now)
            if let chunk { await handoff.send([chunk]) }
            return next
        }
        switch machine.opened(head, at: now) {
        case .leave(let next): return next
        case .follow: return try await follow(response.body, &machine)
        case .collect:
            let collected = await collect(response.body)
            try Task.checkCancellation()
            switch collected {
            case .success(let bytes):
                let (chunk, next) = machine.collected(bytes, at: now)
                if let chunk { await handoff.send([chunk]) }
                return next
            case .failure(let error as TooLong):
                throw DurableStreamError(.limitExceeded, "\(request.url): \(error)", status: 200)
            case .failure(let error):
                return machine.failed(TransportTrouble.describe(error), at: now)
            }
        }
    }

    /// A whole body, if it does not break off or fall silent.
    private func collect(_ body: Transport.Body) async -> Result<[UInt8], any Error> {
        let watchdog = IdleWatchdog(timeout: options.liveTimeout)
        let limit = options.maximumChunkBytes
        let timeout = options.liveTimeout
        return await withTaskGroup(of: Result<[UInt8], any Error>?.self) { group in
            group.addTask {
                do {
                    return .success(try await Exchange<Transport>.collect(body, upTo: limit, watchdog: watchdog))
                } catch {
                    return .failure(error)
                }
            }
            group.addTask {
                do {
                    try await watchdog.expire()
                    return .failure(EventSourceTransportError("nothing arrived for \(timeout.words)"))
                } catch {
                    return nil
                }
            }
            // The first of the two decides, whatever the other makes of its end.
            var result: Result<[UInt8], any Error>?
            for await finished in group {
                if result == nil { result = finished }
                group.cancelAll()
            }
            return result ?? .failure(CancellationError())
        }
    }

    /// Reads a body as it arrives, until it ends, the machine leaves it, or it is silent for too long.
    private func follow(_ body: Transport.Body, _ machine: inout Machine) async throws -> Machine.Next {
        let watchdog = IdleWatchdog(timeout: options.liveTimeout)
        let decided = await ReadRace.run(&machine, until: [{ try? await watchdog.expire() }]) { machine in
            await read(body, &machine, watchdog)
        }
        try Task.checkCancellation()
        return decided ?? machine.ended(.failed("nothing arrived for \(options.liveTimeout.words)"), at: now)
    }

    /// Nil when the task was cancelled, so that nothing was decided.
    private func read(
        _ body: Transport.Body,
        _ machine: inout Machine,
        _ watchdog: IdleWatchdog
    ) async -> Machine.Next? {
        var chunks = body.makeAsyncIterator()
        while true {
            let chunk: [UInt8]?
            do {
                watchdog.readBegins()
                defer { watchdog.readEnds() }
                chunk = try await chunks.next()
            } catch {
                return Task.isCancelled
                    ? nil : machine.ended(.failed(TransportTrouble.describe(error)), at: now)
            }
            if Task.isCancelled { return nil }
            guard let chunk else { return machine.ended(.endOfBody, at: now) }
            var shown: [DurableStream.Chunk] = []
            let next = machine.received(chunk, at: now, into: &shown)
            if !shown.isEmpty { await handoff.send(shown) }
            if let next { return next }
        }
    }
}
