import EventSource
import NIOCore
import StreamCore
import StreamHTTP
import TextCodecs

/// One call, from its stream's creation to its end.
@available(freshet 0.1, *)
extension Relay {
    func run(_ asked: StreamingCall, _ call: AnswerCall, _ record: StreamName?) async {
        guard await prepare(call, record) else { return }
        let (stops, stop) = AsyncStream<Void>.makeStream()
        let opened = try? await streams.openProducer(call.name, label: nil, kind: .answer) { _ in stop.finish() }
        guard let producer = opened ?? nil else { return call.begin(.responded(Response(.relayStore))) }
        count { $0.started += 1 }
        if let tracer { call.traced(by: CallSpan(asked.request, to: asked.upstream, model: asked.model, by: tracer)) }
        await withTaskGroup(of: Void.self) { group in
            group.addTask { for await _ in stops {} }
            group.addTask { await self.watchReaders(of: call, asked.policy) }
            group.addTask { await self.converse(asked, call, producer, record) }
            await group.next()
            group.cancelAll()
        }
        if producer.stop == nil {
            // Nothing was said of the end: the store could not be asked, or the server goes.
            _ = try? await producer.append([], end: EndRequest(.failed, detail: RelayFailure.interrupted.rawValue))
        }
        await producer.finish(isTorn: false)
        if case .ended(let end) = producer.stop, end.reason == .failed {
            await respond(Response(.interruptedBeforeFirstByte), call, record)
        } else {
            await respond(Response(.stoppedBeforeFirstByte), call, record)
        }
        let end = (try? await streams.info(call.name))??.end
        logAnswer(asked, call, end)
        call.span?.finish(end)
        if case .ended(let end) = producer.stop, end.reason == .cancelled { await cancelAtProvider(asked, call) }
        // Of such an upstream most calls are none for a stream, and then there is nothing to read.
        if call.format == .events, !call.isStreaming {
            _ = try? await streams.remove(call.name)
        } else {
            await keepMetrics(of: call)
        }
    }

    /// Makes the stream and the key's record. False when there is nothing to call for.
    private func prepare(_ call: AnswerCall, _ record: StreamName?) async -> Bool {
        do throws(StoreError) {
            // The lease is for the moment before the producer is there; while it is, none runs.
            let options = StreamOptions(
                contentType: call.format.contentType,
                expiry: expiry(configuration.answerLifetime),
                leaseSeconds: 60
            )
            guard case .created = try await streams.create(call.name, CreateRequest(options: options)) else {
                preconditionFailure("128 random bits were drawn twice")
            }
            guard let record else { return true }
            let remembered = IdempotencyRecord(answer: call.name, format: call.format, bodyHash: call.bodyHash)
            let request = CreateRequest(
                options: StreamOptions(
                    contentType: Self.binary,
                    expiry: expiry(configuration.answerLifetime + configuration.keyLifetime)
                ),
                events: [remembered.event]
            )
            if case .created(let info) = try await streams.create(record, request) {
                call.recorded(at: info.birth)
                return true
            }
            // Another call with this key came since it was looked for: it has gone by now, or is at another node.
            _ = try await streams.remove(call.name)
            guard let found = try await find(record) else { throw .unavailable("the key's record cannot be read") }
            call.begin(.found(found))
        } catch {
            _ = try? await streams.remove(call.name)
            if case .full = error {
                call.begin(.responded(Response(.relayFull)))
            } else {
                call.begin(.responded(Response(.relayStore)))
            }
        }
        return false
    }

    static let binary = ContentType("application/octet-stream")!

    private func expiry(_ lifetime: Duration) -> StreamOptions.Expiry {
        .at(wallMilliseconds: time.wallMilliseconds() + UInt64(lifetime / .milliseconds(1)))
    }

    /// The call is answered by something other than a stream, unless it was answered before; a key remembers what by.
    ///
    /// Remembered before the stream ends and before anybody is told: after a crash in between, the key finds the
    /// refusal and never an answer without a word.
    private func respond(
        _ response: Response,
        _ call: AnswerCall,
        _ record: StreamName?,
        ending: (producer: StreamingProducer, end: EndRequest)? = nil
    ) async {
        // An answer that was stopped by then is told to have been, whatever the upstream came to.
        if let ending, ending.producer.stop != nil { return }
        var response = response.shaped(in: ProviderErrorForm(call.format))
        let isEarly = call.decide()
        let isFirst = !call.hasBegun
        if isEarly, isFirst, let ending {
            return await tell(response, call, record, ending.producer, ending.end)
        }
        if isFirst, let record {
            // The key finds it however often it is tried.
            if response.status >= 400 { response.sayFinal() }
            await remember(response, of: call, record)
        }
        if let ending { await end(ending.producer, ending.end) }
        if isFirst { call.begin(.responded(response)) }
    }

    /// Notes what a call was answered by, for its key.
    func remember(_ response: Response, of call: AnswerCall, _ record: StreamName) async {
        let request = AppendRequest(to: call.recordBirth, events: IdempotencyRecord.events(of: response))
        _ = try? await streams.append(record, request)
    }

    /// Returns when the answer has been without a reader for too long, and is stopped.
    private func watchReaders(of call: AnswerCall, _ policy: DisconnectPolicy) async {
        let patience = policy.patience(limit: configuration.unreadLimit)
        var watch = ReaderWatch(patience: patience, now: time.monotonic())
        while true {
            do {
                try await clock.sleep(for: .milliseconds(200))
            } catch {
                return
            }
            let readers = streams.attendance(of: call.name).readers
            guard watch.observe(readers: readers, isAwaited: call.isAwaited, at: time.monotonic()) else { continue }
            guard await streams.mayBeFollowedElsewhere(call.name) else { break }
            _ = watch.observe(readers: 1, isAwaited: false, at: time.monotonic())
        }
        let detail = "nobody has read it for \(patience.components.seconds) s"
        _ = try? await streams.append(call.name, AppendRequest(end: EndRequest(.cancelled, detail: detail)))
    }

    // MARK: The conversation with the upstream

    private func converse(
        _ asked: StreamingCall,
        _ call: AnswerCall,
        _ producer: StreamingProducer,
        _ record: StreamName?
    ) async {
        func fail(_ failure: RelayFailure, _ problem: Problem) async {
            count { $0.refused += 1 }
            await respond(
                Response(problem),
                call,
                record,
                ending: (producer, EndRequest(.failed, detail: failure.rawValue))
            )
        }
        defer { asked.body.drop() }
        var hasAnswered = false
        do {
            let watch = watch()
            let reply = try await send(asked.request, to: asked.upstream, .whole(asked.body), watch, call.span)
            call.span?.answered(reply.status)
            hasAnswered = reply.status < 300
            guard reply.status < 300 || reply.status >= 400 else {
                return await fail(.noStream, .redirected(asked.upstream))
            }
            let plain = reply.unpacked()
            // Agents say 201 or 202 of a run too.
            guard reply.status == 200 || call.format == .events && 200..<300 ~= reply.status else {
                return try await refuse(plain ?? reply, watch, call, producer, record)
            }
            guard let plain else {
                if reply.isStream(call.format) { return await fail(.noStream, .encoded(asked.upstream)) }
                return try await pass(reply, watch, call, producer, record)
            }
            if plain.isStream(call.format) { return await begin(plain, watch, call, producer) }
            guard call.format.mayBeDisguised else { return try await pass(plain, watch, call, producer, record) }
            try await look(at: plain, watch, call, producer, record)
        } catch is CancellationError {
            // Stopped: whoever did it has said how the stream ends.
        } catch UpstreamError.silent {
            await fail(.silent, .silent(asked.upstream))
        } catch UpstreamError.unreachable(let reason) {
            guard !Task.isCancelled else { return }
            call.failed(reason)
            await fail(.unreachable, .unreachable(asked.upstream, reason, hasAnswered: hasAnswered))
        } catch UpstreamError.unusable(let reason) {
            guard !Task.isCancelled else { return }
            call.failed(reason)
            await fail(.unreachable, .unreachable(asked.upstream, reason, hasAnswered: true))
        } catch {
            let reason = TransportTrouble.describe(error)
            call.failed(reason)
            await fail(.unreachable, .unreachable(asked.upstream, reason))
        }
    }

    /// The upstream answers with a stream.
    func begin(
        _ reply: UpstreamResponse,
        _ watch: SilenceWatch,
        _ call: AnswerCall,
        _ producer: StreamingProducer
    ) async {
        // Stopped before the upstream's first byte, although it came all the same.
        guard producer.stop == nil else { return }
        call.begin(.streaming(configuration.responseFields.ofStream(reply.headers)))
        await relay(reply, watch, call, producer)
    }

    /// The upstream has refused: that is passed on with its status.
    private func refuse(
        _ reply: UpstreamResponse,
        _ watch: SilenceWatch,
        _ call: AnswerCall,
        _ producer: StreamingProducer,
        _ record: StreamName?
    ) async throws {
        let body = try await collect(reply, watch)
        let message = ProviderFailure.refused(JSONSlice(body)).map { ": \($0.words)" } ?? ""
        let end = EndRequest.failed("\(RelayFailure.refusal)\(reply.status)\(message)")
        let fields = configuration.responseFields.ofPassed(reply.headers)
        count { $0.refused += 1 }
        await respond(Response(reply.status, headers: fields, body: body), call, record, ending: (producer, end))
    }

    func end(_ producer: StreamingProducer, _ end: EndRequest) async {
        _ = try? await producer.append([], end: end)
    }

    // MARK: The stream

    /// Reads the upstream's events into the log until the answer is over.
    private func relay(
        _ reply: UpstreamResponse,
        _ watch: SilenceWatch,
        _ call: AnswerCall,
        _ producer: StreamingProducer
    ) async {
        let buffer = EventBuffer()
        let (verdicts, verdict) = AsyncStream<EndRequest>.makeStream()
        await withTaskGroup(of: Bool.self) { group in
            group.addTask {
                let end = await watch.cancelling { await self.read(reply, watch, call, into: buffer, verdict) }
                buffer.close(end)
                verdict.finish()
                return false
            }
            group.addTask {
                // After its last word the provider may keep the connection open; readers are not kept waiting.
                for await end in verdicts {
                    try? await self.clock.sleep(for: self.configuration.closing)
                    buffer.close(end)
                }
                return false
            }
            group.addTask {
                await self.write(buffer, call, producer)
                return true
            }
            for await isWritten in group where isWritten { group.cancelAll() }
        }
    }

    /// Returns how the answer ends.
    private func read(
        _ reply: UpstreamResponse,
        _ watch: SilenceWatch,
        _ call: AnswerCall,
        into buffer: EventBuffer,
        _ verdict: AsyncStream<EndRequest>.Continuation
    ) async -> EndRequest {
        struct IsOver: Error {}
        struct IsTooLarge: Error {}
        var reader = EventReader(
            call.format,
            call.upstream.names,
            eventBytes: configuration.eventBytes,
            notesFacts: call.span?.isRecording ?? false
        )
        defer { if let facts = reader.facts { call.span?.told(facts) } }
        var isClean = false
        do {
            try await reply.body { piece in
                let wasDecided = reader.verdict != nil
                let read = reader.received(piece)
                if let tokens = reader.countedTokens { call.counted(tokens) }
                if read.kept.contains(where: { $0.said != .nothing }) {
                    watch.spoke()
                } else if watch.saidNothing(bytes: piece.readableBytes) {
                    throw IsOver()
                }
                if !read.kept.isEmpty, !(await buffer.put(read.kept)) { throw IsOver() }
                if read.isTooLarge { throw IsTooLarge() }
                if reader.isOver { throw IsOver() }
                if !wasDecided, let end = reader.verdict { verdict.yield(end) }
            }
            isClean = true
        } catch is IsTooLarge {
            return reader.verdict ?? EndRequest(.failed, detail: RelayFailure.oversized.rawValue)
        } catch {
            // However a connection ends, what counts is whether the provider had said its last word.
        }
        if reader.verdict == nil, watch.isOver { return EndRequest(.failed, detail: RelayFailure.silent.rawValue) }
        let last = reader.ended(isClean: isClean)
        if let tokens = reader.countedTokens { call.counted(tokens) }
        if !last.kept.isEmpty { _ = await buffer.put(last.kept) }
        return last.end
    }

    /// Appends what has been read, in groups: what comes while one append is on its way, or shortly after it, goes
    /// into the next.
    private func write(_ buffer: EventBuffer, _ call: AnswerCall, _ producer: StreamingProducer) async {
        while let batch = await buffer.next() {
            // Before it is readable: with the end its readers are gone.
            let readers = streams.attendance(of: call.name).readers
            do throws(StoreError) {
                for id in batch.responseIDs {
                    try await streams.persisting(for: configuration.storePatience, on: clock) {
                        () throws(StoreError) in try await remember(id, call)
                    }
                }
                let outcome = try await producer.append(
                    batch.events,
                    end: batch.end,
                    patience: configuration.storePatience,
                    on: clock
                )
                guard case .appended = outcome else { return }
            } catch {
                return await end(producer, EndRequest(.failed, detail: RelayFailure.store.rawValue))
            }
            call.logged(batch, readers: readers)
            guard batch.end == nil else { return }
            if buffer.waitingBytes < configuration.groupBytes {
                try? await clock.sleep(for: configuration.grouping)
            }
        }
    }

    /// Writes down what the provider calls the response: who reads that may ask for it at once.
    private func remember(_ id: String, _ call: AnswerCall) async throws(StoreError) {
        call.isCalled(id)
        let lifetime = configuration.answerLifetime + configuration.keyLifetime
        let options = StreamOptions(contentType: Self.binary, expiry: expiry(lifetime))
        try await index.remember(id, of: call.owner, is: call.name, options)
    }

    // MARK: What was measured

    /// Keeps what was measured, beside the answer and for as long.
    private func keepMetrics(of call: AnswerCall) async {
        guard let info = try? await streams.info(call.name), let end = info.end,
            let name = Self.metricsName(of: call.name)
        else { return }
        // The socket is behind the log by what the last write takes.
        try? await clock.sleep(for: .milliseconds(100))
        let metrics = call.metrics
        count { $0.add(metrics, end.reason) }
        let request = CreateRequest(
            options: StreamOptions(contentType: Self.binary, expiry: info.options.expiry),
            events: [EventBody(data: Array(metrics.text.utf8))]
        )
        _ = try? await streams.create(name, request)
    }
}
