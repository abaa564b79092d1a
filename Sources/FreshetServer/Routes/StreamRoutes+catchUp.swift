import StreamCore
import StreamHTTP
import TextCodecs

/// Catch-up reads: the bytes there are now.
@available(freshet 0.1, *)
extension StreamRoutes {
    /// Of tiny events a page holds no more: each has a place of its own, which takes more than its bytes.
    private static let mostPerPage = 10_000

    /// `?limit=`: how many events the response has at most.
    static func limit(_ target: RequestTarget) throws(Problem) -> Int? {
        guard let text = target.values("limit").first else { return nil }
        guard (1...9).contains(text.utf8.count), text.utf8.allSatisfy({ (0x30...0x39).contains($0) }),
            let limit = Int(text), limit > 0
        else {
            throw Problem(
                400,
                "bad-limit",
                title: "Invalid limit",
                detail: "`limit` is the most events that the response may have: a number from 1 to 999999999."
            )
        }
        return limit
    }

    /// Everything up to the tail of this moment. What is more than one page is written at the pace of the peer.
    func catchUp(
        _ name: StreamName,
        _ position: ReadPosition,
        _ limit: Int?,
        ifNoneMatch: [String]
    ) async -> Reply {
        let limit = limit.map { PageLimit(events: min($0, Self.mostPerPage), bytes: configuration.pageBytes) }
        do throws(StoreError) {
            guard let page = try await streams.read(name, from: position, limit: limit ?? PageLimit()) else {
                return .response(await missing(name))
            }
            if let problem = Self.gap(page, at: position) { return .response(Response(problem)) }
            guard limit == nil, !page.isAtTail else {
                let body = ByteView.bytes(of: page.events, kind: page.contentType.kind)
                return .response(
                    Self.response(page, body, at: position, cacheControl: cacheControl(name), ifNoneMatch: ifNoneMatch)
                )
            }
            // Tail and end of one moment. If the stream trimmed or made anew since the page was read, the body cannot
            // be completed, and is torn.
            guard let info = try await streams.info(name) else { return .response(await missing(name)) }
            var whole = page
            whole.last = info.tail
            whole.tail = info.tail
            whole.end = info.end
            let head = Self.response(
                whole,
                [],
                at: position,
                cacheControl: cacheControl(name),
                ifNoneMatch: ifNoneMatch
            )
            guard head.status == 200 else { return .response(head) }
            return .catchUp(CatchUpPlan(name: name, headers: head.headers, page: page, through: info.tail))
        } catch {
            return .response(Response(Problem(error)))
        }
    }

    /// The response when what follows a position is not here. Whoever asks for the start gets what there is.
    static func gap(_ page: Page, at position: ReadPosition) -> Problem? {
        guard page.standing != .exact, position != .start else { return nil }
        return .positionGone(page)
    }

    func cacheControl(_ name: StreamName) -> HeaderField {
        let isPublic = configuration.publicCache.contains { $0.covers(name.text) }
        return HeaderField(
            "Cache-Control",
            isPublic ? "public, max-age=60, stale-while-revalidate=300" : "private, no-cache"
        )
    }

    /// A stretch of a stream as a response.
    static func response(
        _ page: Page,
        _ body: [UInt8],
        at position: ReadPosition,
        cacheControl: HeaderField,
        ifNoneMatch: [String] = [],
        more: [HeaderField] = []
    ) -> Response {
        var fields = [StreamFields.nextOffset(page.last)]
        if page.isAtTail {
            fields.append(HeaderField("Stream-Up-To-Date", "true"))
            fields += StreamFields.end(page.end)
        }
        if page.standing != .exact { fields.append(HeaderField("Stream-Gap", "true")) }
        fields.append(StreamFields.earliestOffset(page.floor))
        fields += more
        let type = HeaderField("Content-Type", page.contentType.text)
        fields.append(.sandbox)
        guard position != .now else {
            return Response(200, headers: [type] + fields + [StreamFields.noStore], body: body)
        }
        let tag = tag(position, page)
        fields += [HeaderField("ETag", tag), cacheControl]
        if matches(tag, ifNoneMatch) { return Response(304, headers: fields) }
        return Response(200, headers: [type] + fields, body: body)
    }

    /// Names exactly these bytes: where they begin and end, and whether the stream ends with them. Offsets are never
    /// given twice, so no two streams share a tag, whatever their names.
    private static func tag(_ position: ReadPosition, _ page: Page) -> String {
        let begin =
            switch position {
            case .after(let offset): offset.text
            case .start, .now: page.floor.text
            }
        return "\"\(begin):\(page.last.text)\(page.end == nil ? "" : ":c")\""
    }

    private static func matches(_ tag: String, _ ifNoneMatch: [String]) -> Bool {
        ifNoneMatch.joined(separator: ",").split(separator: ",").contains { candidate in
            let candidate = candidate.trimmingBlanks()
            // Weak comparison (RFC 9110, section 13.1.2).
            return candidate == "*" || candidate == tag || candidate == "W/" + tag
        }
    }
}
