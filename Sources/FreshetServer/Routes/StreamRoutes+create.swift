import StreamCore
import StreamHTTP
import TextCodecs

@available(freshet 0.1, *)
extension StreamRoutes {
    /// `PUT`: creates a stream, with its first events and its end if the request has them. Idempotent.
    func create(_ name: StreamName, _ request: RouteRequest, _ caller: RouteCaller) throws(Problem) -> RequestPlan {
        if let problem = caller.refusal(.create, name.text) { throw problem }
        if isOurs(name) { throw .writtenByServer }
        if request.facts.isDraining { throw .draining }
        let headers = request.headers
        let end = try headers.end()
        if end != nil, let problem = caller.refusal(.end, name.text) { throw problem }
        if request.hasBody, let problem = caller.refusal(.append, name.text) { throw problem }
        let type = try headers.contentType()
        let expiry = try headers.expiry()
        let fork = try fork(headers, type, expiry, caller)
        let options = StreamOptions(
            contentType: type ?? .eventStream,
            expiry: expiry,
            leaseSeconds: try headers.leaseSeconds(),
            retention: try headers.retention(),
            responseFields: try headers.responseFields()
        )
        let location = request.baseURL + Self.prefix + PercentEncoding.encode(name.text, keeping: .path)
        let plan = RequestPlan.collect(limit: configuration.bodyBytes) { [self] body in
            await .response(create(name, options, body, end, fork, by: caller.quotas, location: location))
        }
        guard request.hasBody else { return plan }
        return plan.held(by: caller.grant(end == nil ? [.create, .append] : [.create, .append, .end], name.text))
    }

    private func create(
        _ name: StreamName,
        _ options: StreamOptions,
        _ body: [UInt8],
        _ end: EndRequest?,
        _ fork: ForkRequest?,
        by quotas: CallerQuotas?,
        location: String
    ) async -> Response {
        do throws(StoreError) {
            var kind = options.contentType.kind
            // A body is cut by the type of the stream, which may be that of the source. Without a source it is refused
            // below, whatever it is.
            if let fork, fork.inheritsContentType, let source = try await streams.info(fork.source) {
                kind = source.options.contentType.kind
            }
            let events: EventBatch
            do throws(PieceError) {
                events = body.isEmpty ? [] : try await self.events(of: body, kind)
            } catch {
                return Response(Problem(error))
            }
            let request = CreateRequest(options: options, events: events, end: end, fork: fork)
            let outcome: CreateOutcome
            switch try await create(name, request, by: quotas) {
            case .outcome(let found): outcome = found
            case .refused(let problem): return Response(problem)
            }
            switch outcome {
            case .created(let info):
                return Response(201, headers: [HeaderField("Location", location)] + Self.fields(info))
            case .exists(let info): return Response(200, headers: Self.fields(info))
            case .conflict(let info, let conflict):
                return Response(Self.problem(conflict, info, sent: options.contentType))
            case .gone: return Response(.softDeleted(name, status: 409))
            case .forkRefused(let refusal):
                return Response(Problem(refusal, fork?.source ?? name, sent: options.contentType))
            }
        } catch {
            return Response(Problem(error))
        }
    }

    private static func fields(_ info: StreamInfo) -> [HeaderField] {
        StreamFields.options(info.options) + [StreamFields.nextOffset(info.tail)] + StreamFields.end(info.end)
            + [StreamFields.noStore]
    }

    private static func problem(
        _ conflict: CreateConflict,
        _ info: StreamInfo,
        sent type: ContentType
    ) -> Problem {
        let detail =
            switch conflict {
            case .contentType:
                "Its Content-Type is `\(info.options.contentType.text)`, and the request's is `\(type.text)`"
                    + "\(type.noteOfCurl)."
            case .expiry: "Its Stream-TTL or Stream-Expires-At differs."
            case .lease: "Its Stream-Lease differs."
            case .retention: "Its Stream-Retention differs."
            case .responseFields: "Its Stream-Response-Headers differ."
            case .fork: "It is not a fork, or it forks another source or offset."
            case .ended: "It has ended (\(info.end?.reason.rawValue ?? "")), but the request asks for an open stream."
            case .open: "It is open, but the request asks for an ended stream."
            }
        return Problem(
            409,
            "stream-differs",
            title: "Stream exists with different options",
            detail: "\(detail) Send the options it has, delete it first, or use another name.",
            headers: [StreamFields.nextOffset(info.tail)] + StreamFields.end(info.end)
        )
    }
}
