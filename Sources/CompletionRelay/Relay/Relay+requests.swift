import NIOCore
import NIOHTTP1
import StreamCore
package import StreamHTTP
import TextCodecs

/// What a request comes to.
extension Relay {
    /// How a request is answered.
    package func plan(for request: RelayRequest) -> RequestPlan {
        let path: UpstreamPath
        do throws(Problem) {
            path = try Self.path(of: request)
        } catch {
            return .respond(Response(error))
        }
        if request.method == "POST", let format = WireFormat(path: request.path) {
            return plan(for: request, path, in: format)
        }
        do throws(Problem) {
            let upstream = try choose(for: request, path, format: nil, model: nil)
            let length = request.headers.first(name: "Content-Length").flatMap { Int($0) }
            let hasBody = length ?? 0 > 0 || request.headers.contains(name: "Transfer-Encoding")
            return .exchange(
                ExchangePlan { body, writer in
                    let watch = self.watch()
                    let sent: UpstreamRequest.Body =
                        hasBody ? .stream(WatchedBody(body: body, watch: watch), length: length) : .none
                    try await self.pass(request, upstream, sent, watch, writer)
                }
            )
        } catch {
            return .respond(Response(error))
        }
    }

    private func plan(for request: RelayRequest, _ path: UpstreamPath, in format: WireFormat) -> RequestPlan {
        do throws(Problem) {
            // Nothing but JSON: a form or a text is what a page of another site could send without being asked.
            guard Self.isJSON(request.headers["Content-Type"]) else { throw .jsonOnly }
            if request.isDraining { throw .relayDraining }
            let policy = try policy(request.headers["Freshet-On-Disconnect"])
            let early = try early(request.headers["Freshet-Early"])
            let key = try Self.key(request.headers["Idempotency-Key"])
            guard let coding = try RequestCoding.of(request.headers["Content-Encoding"]) else {
                return .collect(limit: configuration.bodyBytes) { body in
                    await self.begin(request, path, format, body, key: key, policy, early)
                }
            }
            return .collect(limit: configuration.bodyBytes) { [configuration] packed in
                do throws(Problem) {
                    let body = try RequestCoding.unpack(packed, coding, limit: configuration.bodyBytes)
                    return await self.begin(request.unpacked, path, format, body, key: key, policy, early)
                } catch {
                    return .response(Response(error))
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
        _ body: [UInt8],
        key: String?,
        _ policy: DisconnectPolicy,
        _ early: Duration
    ) async -> Reply {
        let document = JSONSlice(body)
        let upstream: Upstream
        do throws(Problem) {
            upstream = try choose(for: request, path, format: format, model: document["model"]?.string)
        } catch {
            return .response(Response(error))
        }
        guard document["stream"]?.isTrue ?? false else {
            return .exchange(
                ExchangePlan { _, writer in try await self.pass(request, upstream, .bytes(body), self.watch(), writer) }
            )
        }
        let asked = StreamingCall(
            request: request,
            format: format,
            upstream: upstream,
            body: body,
            key: key,
            policy: policy,
            early: early
        )
        return .pending { [self] in
            switch await begin(asked) {
            case .response(let response): .response(response)
            case .passing(let taker): .exchange(ExchangePlan { _, writer in try await taker.write(to: writer) })
            case .stream(let name, let format, let fields, let call):
                await subscribe(to: name, format, fields, call, request)
            }
        }
    }

    /// The answer while it is written, as the provider itself would send it.
    private func subscribe(
        to name: StreamName,
        _ format: WireFormat,
        _ fields: [HeaderField],
        _ call: AnswerCall?,
        _ request: RelayRequest
    ) async -> Reply {
        let page: Page?
        do throws(StoreError) {
            page = try await streams.read(name, from: .start)
        } catch {
            return .response(Response(.relayStore))
        }
        guard let page else { return .response(Response(.answerExpired)) }
        var plan = SubscriptionPlan(
            name: name,
            form: .foreign,
            headers: [
                HeaderField("Content-Type", "text/event-stream; charset=utf-8"),
                HeaderField("Cache-Control", "no-cache, no-transform"), HeaderField("X-Accel-Buffering", "no"),
                HeaderField("Location", "\(request.baseURL)/v1/stream/\(name)"),
            ] + fields,
            requested: "-1",
            opening: .page(page)
        )
        let isSilent = page.end != nil && page.events.isEmpty
        plan.conclude = { ClosingEvents.after($0, in: format, isSilent: isSilent) }
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
        _ writer: ResponseWriter
    ) async throws {
        count { $0.passed += 1 }
        let response: UpstreamResponse
        do {
            response = try await send(request, to: upstream, body, watch)
        } catch UpstreamError.silent {
            return try await writer.respond(Response(.silent(upstream)))
        } catch UpstreamError.unreachable(let reason) {
            return try await writer.respond(Response(.unreachable(upstream, reason)))
        }
        if (300..<400).contains(response.status), response.status != 304 {
            return try await writer.respond(Response(.redirected(upstream)))
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

    /// Calls an upstream, on whichever path the request came.
    ///
    /// - Throws: `UpstreamError`, or `CancellationError`.
    func send(
        _ request: RelayRequest,
        to upstream: Upstream,
        _ body: UpstreamRequest.Body,
        _ watch: SilenceWatch
    ) async throws -> UpstreamResponse {
        guard let transport = transports[upstream.name] else {
            preconditionFailure("there is no transport for \(upstream.name)")
        }
        let sent = UpstreamRequest(
            method: request.method,
            path: request.path + request.query,
            headers: HeaderRules.toUpstream(request.headers, upstream, key: ownKeys[upstream.name]),
            body: body
        )
        let response = try await watch.during { try await transport.send(sent) }
        // What is below is an informational response, which goes nowhere, and what is above is none (RFC 9110, 15).
        guard 200...599 ~= response.status else {
            throw UpstreamError.unreachable("its status is \(response.status), which answers no request")
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

    // MARK: Reading the request

    private static func path(of request: RelayRequest) throws(Problem) -> UpstreamPath {
        guard !request.targetHoldsKey else { throw .keyInURL }
        guard request.query.utf8.allSatisfy({ 0x21...0x7E ~= $0 && $0 != UInt8(ascii: "#") }) else {
            throw .badPath("Its query has a blank, a #, or a character that is not ASCII")
        }
        do throws(UpstreamPath.Ambiguity) {
            return try UpstreamPath(request.path)
        } catch {
            throw .badPath("It \(error.reason)")
        }
    }

    /// The upstream that answers a request: the one it names, the one of its model, or the first that speaks its
    /// format.
    private func choose(
        for request: RelayRequest,
        _ path: UpstreamPath,
        format: WireFormat?,
        model: String?
    ) throws(Problem) -> Upstream {
        let upstreams = configuration.upstreams
        let found: Upstream?
        if let name = request.upstream {
            found = upstreams.first { $0.name == name }
        } else if model == BuiltinUpstream.model, let builtin = upstreams.first(where: { $0.kind == .builtin }) {
            found = builtin
        } else {
            // Anthropic's clients say so in every request.
            let isAnthropic = format == .messages || request.headers.contains(name: "anthropic-version")
            let preferred: [[Upstream.Kind]] =
                isAnthropic
                ? [[.anthropic], [.openAICompatible], [.builtin]] : [[.openai, .openAICompatible], [.builtin]]
            found =
                preferred.lazy.compactMap { kinds in upstreams.first { kinds.contains($0.kind) } }.first
                ?? upstreams.first
        }
        guard let upstream = found else { throw .noUpstream(request.upstream) }
        guard upstream.allows(path) else { throw .pathNotAllowed(upstream) }
        if upstream.key == .caller, request.credentialIsOurs { throw .keyIsOurs }
        return upstream
    }

    private static func isJSON(_ values: [String]) -> Bool {
        values.count == 1 && ContentType(values[0])?.kind == .json
    }

    private func policy(_ values: [String]) throws(Problem) -> DisconnectPolicy {
        guard let text = values.first else { return .continue }
        guard values.count == 1, let policy = DisconnectPolicy(text) else {
            throw .badDisconnectPolicy(configuration.unreadLimit)
        }
        if case .grace(let seconds) = policy, .seconds(seconds) > configuration.unreadLimit {
            throw .badDisconnectPolicy(configuration.unreadLimit)
        }
        return policy
    }

    /// `Freshet-Early`: seconds, whole or with a fraction.
    private func early(_ values: [String]) throws(Problem) -> Duration {
        guard let text = values.first else { return configuration.early }
        let parts = text.utf8.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
        guard values.count == 1, parts.count <= 2,
            parts.allSatisfy({ (1...5).contains($0.count) && $0.allSatisfy { 0x30...0x39 ~= $0 } }),
            let seconds = Double(text), seconds <= 86_400
        else { throw .badEarly }
        return .seconds(seconds)
    }

    private static func key(_ values: [String]) throws(Problem) -> String? {
        guard let key = values.first else { return nil }
        guard values.count == 1, (1...255).contains(key.utf8.count), key.utf8.allSatisfy({ 0x20...0x7E ~= $0 }) else {
            throw .badIdempotencyKey
        }
        return key
    }
}
