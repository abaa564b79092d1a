import StreamCore
import StreamHTTP

/// The live modes of the Durable Streams protocol (sections 5.7 and 5.8).
@available(freshet 0.1, *)
extension StreamRoutes {
    func follow(
        _ name: StreamName,
        _ mode: String,
        _ asked: ReadPosition?,
        _ request: RouteRequest
    ) throws(Problem) -> RequestPlan {
        guard mode == "long-poll" || mode == "sse" else {
            throw Problem(
                400,
                "unknown-live-mode",
                title: "Unknown live mode",
                detail: "`live` is `long-poll` or `sse`."
            )
        }
        guard let asked else {
            throw Problem(
                400,
                "no-offset",
                title: "Offset required",
                detail:
                    "Send `offset`: -1 for the start, now for the tail, or the Stream-Next-Offset of an earlier "
                    + "read."
            )
        }
        if request.facts.isDraining { throw .draining }
        let cursor = StreamCursor.next(
            after: request.target.values("cursor").first,
            wallMilliseconds: time.wallMilliseconds(),
            jitter: jitter
        )
        if mode == "sse" { return .read { [self] in await followBySSE(name, asked, cursor) } }
        let match = request.head.headers["If-None-Match"]
        return .read { [self] in await longPoll(name, asked, cursor, ifNoneMatch: match) }
    }

    // MARK: Server-sent events

    private func followBySSE(_ name: StreamName, _ position: ReadPosition, _ cursor: UInt64) async -> Reply {
        let page: Page?
        do throws(StoreError) {
            page = try await streams.read(name, from: position)
        } catch {
            return .response(Response(Problem(error)))
        }
        guard let page else { return .response(await missing(name)) }
        if let problem = Self.gap(page, at: position) { return .response(Response(problem)) }
        let kind = page.contentType.kind
        var fields = followFields(.durableStreams)
        if DurableStreamsWriter.isBase64(kind) { fields.append(HeaderField("Stream-SSE-Data-Encoding", "base64")) }
        if page.standing != .exact { fields.append(HeaderField("Stream-Gap", "true")) }
        let plan = SubscriptionPlan(
            name: name,
            form: .durableStreams,
            headers: fields,
            requested: "",
            opening: position == .now ? .now(page) : .page(page),
            // Never back, even when the clock goes back.
            cursor: { [time] in
                max(cursor, StreamCursor.interval(atWallMilliseconds: time.wallMilliseconds()))
            }
        )
        return .subscribe(plan)
    }

    // MARK: Long-poll

    private func longPoll(
        _ name: StreamName,
        _ position: ReadPosition,
        _ cursor: UInt64,
        ifNoneMatch: [String]
    ) async -> Reply {
        switch await look(name, position, cursor, ifNoneMatch: ifNoneMatch) {
        case .respond(let response): return .response(response)
        case .nothing(let page):
            let here = ReadPosition.after(page.last)
            let cacheControl = cacheControl(name)
            return .wait(
                LongPollPlan(
                    name: name,
                    position: page.last,
                    kind: page.contentType.kind,
                    look: { [self] in
                        guard case .respond(let response) = await look(name, here, cursor, ifNoneMatch: ifNoneMatch)
                        else { return nil }
                        return response
                    },
                    response: { news in
                        guard let body = news.body else {
                            return Self.nothing(at: news.last, end: news.end, cursor: cursor)
                        }
                        var told = page
                        told.last = news.last
                        told.tail = news.last
                        told.end = news.end
                        return Self.response(
                            told,
                            body,
                            at: here,
                            cacheControl: cacheControl,
                            ifNoneMatch: ifNoneMatch,
                            more: [Self.field(cursor)]
                        )
                    }
                )
            )
        }
    }

    private enum Look {
        case respond(Response)
        /// The reader is at the tail of a stream that goes on.
        case nothing(Page)
    }

    private func look(
        _ name: StreamName,
        _ position: ReadPosition,
        _ cursor: UInt64,
        ifNoneMatch: [String]
    ) async -> Look {
        let page: Page?
        do throws(StoreError) {
            page = try await streams.read(name, from: position, limit: PageLimit(bytes: configuration.pageBytes))
        } catch {
            return .respond(Response(Problem(error)))
        }
        guard let page else { return .respond(await missing(name)) }
        if let problem = Self.gap(page, at: position) { return .respond(Response(problem)) }
        guard page.events.isEmpty else {
            let body = ByteView.bytes(of: page.events, kind: page.contentType.kind)
            return .respond(
                Self.response(
                    page,
                    body,
                    at: position,
                    cacheControl: cacheControl(name),
                    ifNoneMatch: ifNoneMatch,
                    more: [Self.field(cursor)]
                )
            )
        }
        guard page.end == nil else { return .respond(Self.nothing(at: page.last, end: page.end, cursor: cursor)) }
        return .nothing(page)
    }

    private static func nothing(at tail: Offset, end: StreamEnd?, cursor: UInt64) -> Response {
        Response(
            204,
            headers: [StreamFields.nextOffset(tail), HeaderField("Stream-Up-To-Date", "true"), field(cursor)]
                + StreamFields.end(end) + [StreamFields.noStore]
        )
    }

    private static func field(_ cursor: UInt64) -> HeaderField { HeaderField("Stream-Cursor", "\(cursor)") }
}
