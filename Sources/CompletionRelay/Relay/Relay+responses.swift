import NIOHTTP1
import StreamCore
import StreamHTTP
import TextCodecs

/// OpenAI's own way to come back: a response that was made through the relay is read from its answer.
@available(freshet 0.1, *)
extension Relay {
    func plan(for request: RelayRequest, _ path: UpstreamPath, of asked: ResponsePath) -> RequestPlan {
        .later { [self] in
            do throws(Problem) {
                return try await decide(request, path, asked)
            } catch {
                return .respond(Response(error))
            }
        }
    }

    private func decide(
        _ request: RelayRequest,
        _ path: UpstreamPath,
        _ asked: ResponsePath
    ) async throws(Problem) -> RequestPlan {
        let upstream = try choose(for: request, path, format: .responses, model: nil)
        let found: Found
        do throws(StoreError) {
            found = try await find(asked.id, request, upstream)
        } catch {
            throw .relayStore
        }
        switch found {
        case .own(let answer, let upstream):
            return try kept(answer, request, asked) ?? passing(request, upstream)
        case .foreign: throw .noResponse(asked.id)
        case .unknown:
            // The server's own key may read whatever anybody has asked with it.
            guard !upstream.spendsOwnKey || upstream.names(path) else { throw .noResponse(asked.id) }
            return passing(request, upstream)
        }
    }

    private enum Found {
        case unknown
        case foreign
        case own(StreamName, Upstream)
    }

    private func find(
        _ id: String,
        _ request: RelayRequest,
        _ upstream: Upstream
    ) async throws(StoreError) -> Found {
        var candidates = [upstream]
        // What the built-in model answered was asked for by the model's name, which nothing tells here.
        if request.upstream == nil, let builtin = configuration.builtin, builtin != upstream {
            candidates.append(builtin)
        }
        var found = Found.unknown
        for candidate in candidates {
            let owner = ResponseOwner(upstream: candidate.name, credential: request.credential)
            switch try await index.standing(of: id, for: owner) {
            case .unknown: break
            case .foreign: found = .foreign
            // One that is not kept any more the provider may still have.
            case .own(let answer): if try await streams.info(answer) != nil { return .own(answer, candidate) }
            }
        }
        return found
    }

    /// How a request is answered from the answer itself; nil where only the provider can.
    private func kept(
        _ answer: StreamName,
        _ request: RelayRequest,
        _ asked: ResponsePath
    ) throws(Problem) -> RequestPlan? {
        switch (request.method, asked.rest) {
        case ("GET", nil):
            let query = try ResponseQuery(request.query)
            guard query.isStreaming else { return .act { [self] in .response(await document(answer, asked.id)) } }
            if request.isDraining { throw .relayDraining }
            return .act { [self] in await replay(answer, after: query.startingAfter, asked.id, request) }
        case ("POST", "cancel"):
            return .collect(limit: Self.cancelBytes) { [self] _ in .response(await cancel(answer, asked.id)) }
        default: return nil
        }
    }

    /// The largest body that a cancel may have; it says nothing.
    private static let cancelBytes = 64 << 10

    // MARK: -

    /// The response as far as it has come.
    private func document(_ answer: StreamName, _ id: String) async -> Response {
        var recorded = RecordedResponse()
        var position = ReadPosition.start
        while true {
            let page: Page?
            do throws(StoreError) {
                page = try await streams.read(answer, from: position)
            } catch {
                return Response(.relayStore)
            }
            guard let page else { return Response(.noResponse(id)) }
            for event in page.events { recorded.received(event.body) }
            guard page.isAtTail || page.end != nil else {
                position = .after(page.last)
                continue
            }
            guard let body = recorded.document(end: page.end) else { return Response(.noResponse(id)) }
            let fields = configuration.responseFields.ofPassed([HeaderField("Content-Type", "application/json")])
            return Response(200, headers: fields, body: body)
        }
    }

    private func replay(
        _ answer: StreamName,
        after number: Int?,
        _ id: String,
        _ request: RelayRequest
    ) async -> Reply {
        var place = (position: ReadPosition.start, events: 0)
        if let number {
            do throws(StoreError) {
                guard let found = try await self.place(after: number, in: answer) else {
                    return .response(Response(.noResponse(id)))
                }
                place = found
            } catch {
                return .response(Response(.relayStore))
            }
        }
        let fields = configuration.responseFields.ofStream([])
        return await subscribe(to: answer, .responses, fields, nil, request, from: place.position, after: place.events)
    }

    /// Where the events begin whose number is greater, and how many are before. An event that has none counts by its
    /// place.
    private func place(
        after number: Int,
        in answer: StreamName
    ) async throws(StoreError) -> (position: ReadPosition, events: Int)? {
        var position = ReadPosition.start
        var events = 0
        while let page = try await streams.read(answer, from: position) {
            for event in page.events {
                let told = JSONSlice(event.body.data)["sequence_number"]?.integer
                if told ?? events > number { return (position, events) }
                position = .after(event.offset)
                events += 1
            }
            if page.isAtTail || page.end != nil { return (position, events) }
        }
        return nil
    }

    /// Stops an answer, where it has not ended, and tells what it has come to.
    private func cancel(_ answer: StreamName, _ id: String) async -> Response {
        do throws(StoreError) {
            _ = try await streams.append(answer, AppendRequest(end: EndRequest(.cancelled)))
        } catch {
            return Response(.relayStore)
        }
        return await document(answer, id)
    }

    // MARK: At the provider

    /// Stops a response in the background where it is made: closing its connection does not.
    func cancelAtProvider(_ asked: StreamingCall, _ call: AnswerCall) async {
        guard let id = call.responseID, asked.isBackground,
            let transport = transports[asked.upstream.name]
        else { return }
        var headers = asked.request.headers
        for name in ["Content-Type", "Content-Encoding", "Idempotency-Key"] { headers.remove(name: name) }
        let request = UpstreamRequest(
            method: "POST",
            path: "\(WireFormat.responses.path)/\(PercentEncoding.encode(id, keeping: .unreserved))/cancel",
            headers: HeaderRules.toUpstream(headers, asked.upstream, key: ownKeys[asked.upstream.name])
        )
        await withTaskGroup(of: Void.self) { group in
            group.addTask { try? await transport.send(request).body { _ in } }
            group.addTask { try? await self.clock.sleep(for: Self.cancelPatience) }
            await group.next()
            group.cancelAll()
        }
    }

    private static let cancelPatience = Duration.seconds(10)
}
