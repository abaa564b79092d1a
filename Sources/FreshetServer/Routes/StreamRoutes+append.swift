import StreamCore
import StreamHTTP

@available(freshet 0.1, *)
extension StreamRoutes {
    /// Who may create the stream that a request appends to, and is counted for it.
    struct Creator: Sendable {
        var quotas: CallerQuotas?
    }

    /// `POST`: appends, ends, cancels, or says that the producer is still there.
    func append(_ name: StreamName, _ request: RouteRequest, _ caller: RouteCaller) throws(Problem) -> RequestPlan {
        let headers = request.headers
        if headers.isCancelling { return try cancel(name, request, caller) }
        let end = try headers.end()
        let type = try headers.contentType()
        if end != nil, let problem = caller.refusal(.end, name.text) { throw problem }
        if end == nil || request.hasBody, let problem = caller.refusal(.append, name.text) { throw problem }
        // Behind the rights: whether a stream is being written is not for everybody to know.
        if isOurs(name) { throw .writtenByServer }
        if request.facts.isDraining, !streams.isProducing(name) { throw .draining }
        let producer = try headers.producer()
        let sequence = try headers.sequence()
        let lease = try headers.leaseSeconds()
        let mayCreate = configuration.createOnPost.contains { $0.covers(name.text) }
        let creates = mayCreate && caller.refusal(.create, name.text) == nil && !request.facts.isDraining
        var rights: Rights = request.hasBody || end == nil ? .append : []
        if end != nil { rights.insert(.end) }
        // Only who may create is counted for that.
        let creator = creates ? Creator(quotas: caller.quotas) : nil
        return try append(name, request, end, producer, sequence, lease, creator: creator, type, caller.quotas)
            .held(by: request.hasBody ? caller.grant(rights, name.text) : nil)
    }

    private func append(
        _ name: StreamName,
        _ request: RouteRequest,
        _ end: EndRequest?,
        _ producer: ProducerStamp?,
        _ sequence: String?,
        _ lease: Int?,
        creator: Creator?,
        _ type: ContentType?,
        _ quotas: CallerQuotas?
    ) throws(Problem) -> RequestPlan {
        // A body of unknown length that numbers nothing is a producer at work, not one piece.
        if request.head.body == .openEnded, producer == nil, sequence == nil, let type,
            PieceCutter(kind: type.kind, limits: configuration.pieces) != nil
        {
            let label = try request.headers.label()
            return RequestPlan.streamingAppend(
                StreamingAppendPlan(
                    contentType: type,
                    end: end,
                    open: { [self] onStop in
                        await openProducer(name, type, label: label, lease: lease, creator: creator, onStop)
                    },
                    response: { [self] result in response(to: result, name) }
                )
            ).holding(try quotas?.openProducer())
        }
        let append = AtomicAppend(
            to: name,
            of: self,
            type: type,
            end: end,
            producer: producer,
            sequence: sequence,
            lease: lease,
            creator: creator
        )
        return .answer(limit: configuration.bodyBytes, refusal: { await append.refusalBeforeBody() }) { body, later in
            append.begin(body, later)
        }
    }

    /// The events of an atomic body.
    func events(of body: [UInt8], _ kind: ContentType.Kind) async throws(PieceError) -> EventBatch {
        let limits = configuration.pieces
        return try await LongWork.look(at: body.count) { () -> Result<EventBatch, PieceError> in
            do throws(PieceError) {
                return .success(try AtomicBody.events(of: body, kind: kind, limits: limits))
            } catch {
                return .failure(error)
            }
        }.get()
    }

    static func refusal(_ info: StreamInfo, _ type: ContentType?, _ name: StreamName) -> Problem? {
        if let end = info.end { return problem(.ended(end, tail: info.tail, producer: nil), name) }
        if let type, !info.options.contentType.matches(type) {
            return problem(.typeMismatch(info.options.contentType), name, sent: type)
        }
        return nil
    }

    /// Two that come at once may both find it missing; the second finds it there, which is as good. Returns why it may
    /// not be created, where a quota says so.
    func create(
        _ name: StreamName,
        _ type: ContentType,
        lease: Int?,
        by creator: Creator
    ) async throws(StoreError) -> Problem? {
        let options = StreamOptions(contentType: type, leaseSeconds: lease)
        switch try await create(name, CreateRequest(options: options), by: creator.quotas) {
        case .outcome: return nil
        case .refused(let problem): return problem
        }
    }

    /// `POST` with `Stream-Cancel: true`: asks the stream to stop.
    private func cancel(
        _ name: StreamName,
        _ request: RouteRequest,
        _ caller: RouteCaller
    ) throws(Problem) -> RequestPlan {
        if let problem = caller.refusal(.cancel, name.text) { throw problem }
        guard !request.headers.isClosing else {
            throw Problem(
                400,
                "cancel-and-close",
                title: "Cancel and close in one request",
                detail: "Send `Stream-Cancel: true` or `Stream-Closed: true`, not both."
            )
        }
        // Refuses a reason or detail: the end of a cancel has its own.
        _ = try request.headers.end()
        let end = EndRequest(.cancelled, trace: request.headers.trace)
        return .act { [self] in
            do throws(StoreError) {
                let outcome = try await streams.append(name, AppendRequest(end: end))
                switch outcome {
                case .notFound: return .response(await missing(name))
                case .appended(let tail, let end, _):
                    return .response(
                        Response(204, headers: [StreamFields.nextOffset(tail)] + StreamFields.end(end))
                    )
                case .ended(let end, let tail, _):
                    return .response(
                        Response(204, headers: [StreamFields.nextOffset(tail)] + StreamFields.end(end))
                    )
                default: return .response(Self.response(to: outcome, nil, name))
                }
            } catch {
                return .response(Response(Problem(error)))
            }
        }
    }

    // MARK: Streaming append

    private func openProducer(
        _ name: StreamName,
        _ type: ContentType,
        label: String?,
        lease: Int?,
        creator: Creator?,
        _ onStop: @escaping @Sendable (ProducerStop) -> Void
    ) async -> Result<StreamingProducer, Problem> {
        do throws(StoreError) {
            var refusal: Problem?
            func open() async throws(StoreError) -> StreamingProducer? {
                try await streams.openProducer(
                    name,
                    label: label,
                    lease: lease,
                    mayOpen: { info in
                        refusal = Self.refusal(info, type, name)
                        return refusal == nil
                    },
                    onStop: onStop
                )
            }
            var producer = try await open()
            if producer == nil, refusal == nil, let creator {
                if let problem = try await create(name, type, lease: lease, by: creator) { return .failure(problem) }
                producer = try await open()
            }
            if let producer { return .success(producer) }
            if let refusal { return .failure(refusal) }
            return .failure(await absence(of: name))
        } catch {
            return .failure(Problem(error))
        }
    }
}
