import EventSource
import NIOCore
import NIOHTTP1
import StreamCore
package import StreamHTTP
import TextCodecs

/// What a request comes to.
@available(freshet 0.1, *)
extension Relay {
    /// How a request is answered.
    package func plan(for request: RelayRequest) -> RequestPlan {
        let path: UpstreamPath
        do throws(Problem) {
            path = try Self.path(of: request)
        } catch {
            return .respond(Response(error))
        }
        if let format = format(of: request, path) { return plan(for: request, path, in: format) }
        if named(request)?.kind.hasOwnPaths != true, let response = ResponsePath(path.decoded, method: request.method) {
            return plan(for: request, path, of: response)
        }
        do throws(Problem) {
            let isBuiltin = path.decoded == "/models/\(BuiltinUpstream.model)"
            let model = isBuiltin ? BuiltinUpstream.model : nil
            let upstream = try choose(for: request, path, format: nil, model: model)
            // The server's own key would list what anybody has asked with it. Only POST is no list.
            let isList =
                request.method != "POST" && !upstream.kind.hasOwnPaths
                && path.decoded.withoutFinalSlash.lowercased() == WireFormat.responses.path
            guard !isList || !upstream.spendsOwnKey || upstream.namesEveryResponse else { throw .noResponseList }
            return passing(request, upstream)
        } catch {
            return .respond(builtinList(for: request, path) ?? Response(error))
        }
    }

    /// The upstream that a request names.
    private func named(_ request: RelayRequest) -> Upstream? {
        request.upstream.flatMap { name in configuration.upstreams.first { $0.name == name } }
    }

    /// The format of the stream that a request may be answered by; nil where it is passed on.
    private func format(of request: RelayRequest, _ path: UpstreamPath) -> WireFormat? {
        guard request.method == "POST" else { return nil }
        // What an upstream would take for the same path is the same here too.
        let path = path.decoded.withoutFinalSlash
        switch named(request)?.kind {
        case .sse: return .events
        case .ollama: return ["/api/chat", "/api/generate"].contains(path) ? .ollama : nil
        case .gemini:
            let isStream = path.hasSuffix(":streamGenerateContent")
            // Otherwise it is one array of JSON that arrives in pieces.
            return isStream && QueryText(request.query).values(of: "alt") == ["sse"] ? .gemini : nil
        case .openai, .anthropic, .openAICompatible, .builtin, nil: return WireFormat(path: path)
        }
    }

    /// Passes a request on as it is, whatever it is.
    func passing(_ request: RelayRequest, _ upstream: Upstream) -> RequestPlan {
        let change = modelList(for: request, of: upstream)
        return .exchange(
            ExchangePlan { body, writer in
                let watch = self.watch()
                let sent: UpstreamRequest.Body =
                    switch request.body {
                    case .none: .none
                    case .length(let length): .stream(WatchedBody(body: body, watch: watch), length: length)
                    case .openEnded: .stream(WatchedBody(body: body, watch: watch), length: nil)
                    }
                try await self.pass(request, upstream, sent, watch, writer, change)
            }
        )
    }

    private func plan(for request: RelayRequest, _ path: UpstreamPath, in format: WireFormat) -> RequestPlan {
        do throws(Problem) {
            // Nothing but JSON: a form or a text is what a page of another site could send without being asked.
            // Clients of the other formats send what they like, and no page of another site gets so far.
            guard !WireFormat.completions.contains(format) || Self.isJSON(request.headers["Content-Type"]) else {
                throw .jsonOnly
            }
            if request.isDraining { throw .relayDraining }
            let policy = try policy(request.headers["Freshet-On-Disconnect"])
            let early = try early(request, format)
            let key = try Self.key(request.headers["Idempotency-Key"])
            let coding = try RequestCoding.of(request.headers["Content-Encoding"])
            let limit = configuration.bodyBytes
            return .collect(limit: limit) { [self] body in
                // A small one that is packed may be large.
                let bytes = coding == nil ? body.count : max(body.count, limit)
                let read = await LongWork.look(at: bytes) { () -> Result<CallReading, Problem> in
                    do throws(Problem) {
                        return .success(try CallReading(body, coding, of: request, format, limit: limit))
                    } catch {
                        return .failure(error)
                    }
                }
                switch read {
                case .success(let read):
                    let plain = coding == nil ? request : request.unpacked
                    return begin(plain, path, format, read, key: key, policy, early)
                case .failure(let problem): return .response(Response(problem))
                }
            }
        } catch {
            return .respond(Response(error))
        }
    }

    private func begin(
        _ request: RelayRequest,
        _ path: UpstreamPath,
        _ format: WireFormat,
        _ read: CallReading,
        key: String?,
        _ policy: DisconnectPolicy,
        _ early: Duration
    ) -> Reply {
        let upstream: Upstream
        do throws(Problem) {
            upstream = try choose(for: request, path, format: format, model: read.model)
        } catch {
            return .response(Response(error))
        }
        guard read.isStreaming else {
            return .exchange(
                ExchangePlan { _, writer in
                    defer { read.body.drop() }
                    do throws(Problem) {
                        try read.body.claim(for: request)
                    } catch {
                        return try await writer.respond(Response(error))
                    }
                    try await self.pass(request, upstream, .whole(read.body), self.watch(), writer, model: read.model)
                }
            )
        }
        var asked = StreamingCall(
            request: request,
            format: format,
            upstream: upstream,
            body: read.body,
            model: read.model,
            key: key,
            policy: policy,
            early: early
        )
        asked.isBackground = read.isBackground
        return .pending { [self, asked] in
            do throws(Problem) {
                try asked.body.claim(for: request)
            } catch {
                return .response(Response(error))
            }
            return switch await begin(asked) {
            case .response(let response): .response(response)
            case .passing(let taker): .exchange(ExchangePlan { _, writer in try await taker.write(to: writer) })
            case .stream(let name, let format, let fields, let call):
                await subscribe(to: name, format, fields, call, request, errors: upstream.names.error)
            }
        }
    }

    /// The answer while it is written, as the provider itself would send it.
    ///
    /// - Parameters:
    ///   - events: how many events are before the position.
    ///   - errors: the name of events that tell of a failure, where the format has none of its own.
    func subscribe(
        to name: StreamName,
        _ format: WireFormat,
        _ fields: [HeaderField],
        _ call: AnswerCall?,
        _ request: RelayRequest,
        from position: ReadPosition = .start,
        after events: Int = 0,
        errors: String = "error"
    ) async -> Reply {
        let page: Page?
        do throws(StoreError) {
            page = try await streams.read(name, from: position)
        } catch {
            return .response(Response(.relayStore))
        }
        guard let page else { return .response(Response(.answerExpired)) }
        var plan = SubscriptionPlan(
            name: name,
            form: .foreign,
            headers: [
                HeaderField("Content-Type", format.mediaType),
                HeaderField("Cache-Control", "no-cache, no-transform"), HeaderField("X-Accel-Buffering", "no"),
                HeaderField("Location", "\(request.baseURL)/v1/stream/\(name)"),
            ] + fields,
            requested: "-1",
            opening: .page(page)
        )
        plan.conclude = { ClosingEvents.after($0, in: format, events: events + $1, name: errors) }
        plan.heartbeat = format.heartbeat
        if let call { plan.delivered = { call.delivered($0) } }
        return .subscribe(plan)
    }

    // MARK: Passing on

    /// Passes a request on as it is, and its response back.
    private func pass(
        _ request: RelayRequest,
        _ upstream: Upstream,
        _ body: UpstreamRequest.Body,
        _ watch: SilenceWatch,
        _ writer: ResponseWriter,
        _ change: (@Sendable ([UInt8]) -> [UInt8]?)? = nil,
        model: String? = nil
    ) async throws {
        count { $0.passed += 1 }
        let span = tracer.map { CallSpan(request, to: upstream, model: model, by: $0) }
        defer { span?.finish() }
        do {
            try await pass(request, upstream, body, watch, writer, change, span)
        } catch {
            // Who asked may leave; that is no failure of the call.
            if !Task.isCancelled { span?.failed(RelayFailure.truncated.rawValue) }
            throw error
        }
    }

    private func pass(
        _ request: RelayRequest,
        _ upstream: Upstream,
        _ body: UpstreamRequest.Body,
        _ watch: SilenceWatch,
        _ writer: ResponseWriter,
        _ change: (@Sendable ([UInt8]) -> [UInt8]?)?,
        _ span: CallSpan?
    ) async throws {
        let began = time.monotonic()
        let instead = change == nil ? nil : Self.builtinList
        let response: UpstreamResponse
        do {
            response = try await send(request, to: upstream, body, watch, span)
        } catch UpstreamError.silent {
            span?.failed(RelayFailure.silent.rawValue)
            logFailure(of: upstream, RelayFailure.silent.rawValue)
            return try await writer.respond(instead ?? Response(.silent(upstream)))
        } catch UpstreamError.unreachable(let reason) {
            span?.failed(RelayFailure.unreachable.rawValue)
            logFailure(of: upstream, reason)
            return try await writer.respond(instead ?? Response(.unreachable(upstream, reason)))
        } catch UpstreamError.unusable(let reason) {
            span?.failed(RelayFailure.unreachable.rawValue)
            logFailure(of: upstream, reason)
            return try await writer.respond(instead ?? Response(.unreachable(upstream, reason, hasAnswered: true)))
        }
        span?.answered(response.status)
        defer { logPassed(request, upstream, status: response.status, time.monotonic() - began) }
        if let instead, response.status != 200, response.status != 304 { return try await writer.respond(instead) }
        if (300..<400).contains(response.status), response.status != 304 {
            return try await writer.respond(Response(.redirected(upstream)))
        }
        if let change, response.status == 200, let plain = response.unpacked() {
            return try await pass(plain, watch, writer, change)
        }
        let length = response.header("Content-Length").flatMap { Int($0) }
        try await writer.head(response.status, configuration.responseFields.ofPassed(response.headers), length: length)
        // Half a response of the upstream is torn here too: what throws after the head cuts the connection.
        try await watch.during {
            try await response.body { piece in
                watch.spoke(bytes: piece.countOfSigns)
                try await writer.write(piece)
            }
        }
    }

    /// Passes back a response that is changed on the way.
    private func pass(
        _ response: UpstreamResponse,
        _ watch: SilenceWatch,
        _ writer: ResponseWriter,
        _ change: @Sendable ([UInt8]) -> [UInt8]?
    ) async throws {
        let body: [UInt8]
        do {
            body = try await collect(response, watch)
        } catch {
            return try await writer.respond(Self.builtinList)
        }
        let fields = configuration.responseFields.ofPassed(response.headers)
        try await writer.respond(Response(response.status, headers: fields, body: change(body) ?? body))
    }

    /// The whole body of a response that is small.
    func collect(_ response: UpstreamResponse, _ watch: SilenceWatch) async throws -> [UInt8] {
        let limit = configuration.bodyBytes
        return try await watch.during {
            var body: [UInt8] = []
            try await response.body { piece in
                guard body.count + piece.readableBytes <= limit else {
                    throw UpstreamError.unreachable("its response is larger than \(limit) bytes")
                }
                watch.spoke(bytes: piece.countOfSigns)
                body.append(contentsOf: piece.readableBytesView)
            }
            return body
        }
    }

    /// Calls an upstream, on whichever path the request came.
    ///
    /// - Throws: `UpstreamError`, or `CancellationError`.
    func send(
        _ request: RelayRequest,
        to upstream: Upstream,
        _ body: UpstreamRequest.Body,
        _ watch: SilenceWatch,
        _ span: CallSpan?
    ) async throws -> UpstreamResponse {
        guard let transport = transports[upstream.name] else {
            preconditionFailure("there is no transport for \(upstream.name)")
        }
        let isOthersKey = upstream.kind == .gemini && upstream.key != .caller
        let query = isOthersKey ? QueryText(request.query).withoutCredentials : request.query
        var headers = HeaderRules.toUpstream(request.headers, upstream, key: ownKeys[upstream.name])
        span?.inject(into: &headers)
        let sent = UpstreamRequest(
            method: request.method,
            path: request.path + query,
            headers: headers,
            body: body
        )
        let response = try await watch.during { try await transport.send(sent) }
        // What is below is an informational response, which goes nowhere, and what is above is none (RFC 9110, 15).
        guard 200...599 ~= response.status else {
            throw UpstreamError.unusable("its status is \(response.status), which answers no request")
        }
        watch.spoke()
        return response.watched(by: watch)
    }

    /// What watches over one call.
    func watch() -> SilenceWatch {
        SilenceWatch(
            idle: configuration.idle,
            wordless: configuration.wordless,
            wordlessBytes: configuration.wordlessBytes,
            time: time,
            clock: clock
        )
    }
}
