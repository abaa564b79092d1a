import StreamCore
import StreamHTTP
import TextCodecs

@available(freshet 0.1, *)
extension StreamRoutes {
    /// `GET`: the native forms, or the bytes there are now.
    func read(_ name: StreamName, _ request: RouteRequest, _ caller: RouteCaller) throws(Problem) -> RequestPlan {
        if let problem = caller.refusal(.read, name.text) { throw problem }
        let form = try ReadForm.negotiate(request.target, accept: request.head.headers["Accept"])
        let asked = try Self.offset(request.target)
        let isOpenWanted = try Self.isOpenWanted(request.target, form)
        switch form {
        case .durableStreams(let mode):
            return try follow(name, mode, asked, request).holding(caller.quotas?.openReader())
        case .native(let form):
            if request.facts.isDraining { return .respond(farewell(form, .draining)) }
            let place: QuotaPlace?
            do throws(Problem) {
                place = try caller.quotas?.openReader()
            } catch {
                return .respond(farewell(form, .overloaded))
            }
            let lastEventID = LastEventID(request.head.headers, request.target)
            return RequestPlan.read { [self] in await subscribe(name, form, lastEventID, asked: asked) }.holding(place)
        case .plain:
            return try followPlainly(name, asked, isOpenWanted: isOpenWanted, request)
                .holding(caller.quotas?.openReader())
        case .catchUp:
            let match = request.head.headers["If-None-Match"]
            let limit = try Self.limit(request.target)
            return .read { [self] in await catchUp(name, asked ?? .start, limit, ifNoneMatch: match) }
        }
    }

    /// `?offset=`: `-1`, `now`, or an offset as it was given out.
    private static func offset(_ target: RequestTarget) throws(Problem) -> ReadPosition? {
        guard let text = target.values("offset").first else { return nil }
        guard let position = ReadPosition(text) else {
            throw Problem(
                400,
                "bad-offset",
                title: "Invalid offset",
                detail: "`offset` must be -1, now, or a value received as Stream-Next-Offset or as an event's id."
            )
        }
        return position
    }

    // MARK: Native

    private func subscribe(
        _ name: StreamName,
        _ form: EventForm,
        _ lastEventID: LastEventID?,
        asked: ReadPosition?
    ) async -> Reply {
        let position = lastEventID.map(\.position) ?? (asked ?? .start)
        let page: Page?
        do throws(StoreError) {
            page = try await streams.read(name, from: position ?? .start)
        } catch {
            return .response(farewell(form, .store))
        }
        guard let page else {
            let mayWait = lastEventID == nil && (asked == nil || asked == .start || asked == .now)
            return await hold(name, form, mayWait: mayWait, tellsStart: asked == .now)
        }
        if page.isPastEnd, let end = page.end {
            // The only response that stops an `EventSource` for good.
            return .response(
                Response(
                    204,
                    headers: [StreamFields.nextOffset(page.tail)] + StreamFields.end(end) + [StreamFields.noStore]
                )
            )
        }
        let opening: SubscriptionPlan.Opening =
            switch position {
            case nil: .malformed(page)
            case .now?: .now(page)
            case .start?, .after?: .page(page)
            }
        let requested =
            switch position {
            case .after(let offset)?: offset.text
            case .start?, .now?: "-1"
            case nil: lastEventID.map { Self.shown($0.text) } ?? ""
            }
        return .subscribe(
            SubscriptionPlan(
                name: name,
                form: form,
                headers: fields(form, page.contentType.kind),
                requested: requested,
                opening: opening,
                isResume: position != .start && position != .now
            )
        )
    }

    /// A reader may come before the producer.
    private func hold(_ name: StreamName, _ form: EventForm, mayWait: Bool, tellsStart: Bool) async -> Reply {
        let absence = await absence(of: name)
        guard mayWait, absence.status == 404 else { return .response(Response(absence)) }
        guard plane.held.take(name) else { return .response(farewell(form, .overloaded)) }
        return .subscribe(
            SubscriptionPlan(
                name: name,
                form: form,
                headers: fields(form, nil),
                requested: "-1",
                opening: .held(tellsStart: tellsStart)
            )
        )
    }

    /// The response to a read that follows, on a connection or a server that cannot serve it now; nil when the request
    /// is none.
    func farewell(_ request: RouteRequest, _ why: ReconnectReason) -> RequestPlan? {
        switch Self.form(of: request) {
        case .native(let form): return .respond(farewell(form, why))
        // Its clients know no event that asks them to come back.
        case .plain: return .respond(Response(.overloaded))
        case .durableStreams, .catchUp, nil: return nil
        }
    }

    /// The same for native reads alone: every other is told a status.
    func nativeFarewell(_ request: RouteRequest, _ why: ReconnectReason) -> RequestPlan? {
        guard case .native(let form) = Self.form(of: request) else { return nil }
        return .respond(farewell(form, why))
    }

    private static func form(of request: RouteRequest) -> ReadForm? {
        guard request.head.method == .GET, request.target.pathSuffix(after: prefix) != nil else { return nil }
        return try? ReadForm.negotiate(request.target, accept: request.head.headers["Accept"])
    }

    private func farewell(_ form: EventForm, _ why: ReconnectReason) -> Response {
        var body = form.greeting
        let retry = jitter(why.retryRange)
        EventWriter(form: form, kind: .eventStream).appendReconnect(why, retry: retry, to: &body)
        var response = Response(200, headers: fields(form, nil), body: body, framing: .stream)
        response.reconnect = why
        return response
    }

    /// What every read that follows says, so that whatever stands between passes each event on (docs/proxies.md).
    func followFields(_ form: EventForm) -> [HeaderField] {
        var fields = [
            HeaderField("Content-Type", form.mediaType), HeaderField("Cache-Control", "no-cache, no-transform"),
            HeaderField("X-Accel-Buffering", "no"),
        ]
        if configuration.identityEncoding { fields.append(HeaderField("Content-Encoding", "identity")) }
        return fields
    }

    private func fields(_ form: EventForm, _ kind: ContentType.Kind?) -> [HeaderField] {
        var fields = followFields(form)
        if form == .sse, kind == .binary { fields.append(HeaderField("Stream-SSE-Data-Encoding", "base64")) }
        return fields
    }

    /// A foreign id, as far as it is worth repeating.
    private static func shown(_ id: String) -> String { String(id.prefix(128)) }
}
