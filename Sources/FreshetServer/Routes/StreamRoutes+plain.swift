import StreamCore
import StreamHTTP

/// The plain form: what was appended and nothing of Freshet's, for clients that know only a format of their own.
///
/// What a control event would tell is a status before the head, and an unfinished body after it.
@available(freshet 0.1, *)
extension StreamRoutes {
    /// `?when=open`: only a stream that is there and has not ended is wanted.
    static func isOpenWanted(_ target: RequestTarget, _ form: ReadForm) throws(Problem) -> Bool {
        guard let value = target.values("when").first else { return false }
        guard value == "open", form == .plain else {
            throw Problem(
                400,
                "bad-when",
                title: "Unknown condition",
                detail: "`when` is `open`, and belongs to `as=plain`."
            )
        }
        return true
    }

    func followPlainly(
        _ name: StreamName,
        _ asked: ReadPosition?,
        isOpenWanted: Bool,
        _ request: RouteRequest
    ) throws(Problem) -> RequestPlan {
        if request.facts.isDraining { throw .draining }
        let lastEventID = LastEventID(request.head.headers, request.target)
        let position = lastEventID.map(\.position) ?? (asked ?? .start)
        return .read { [self] in
            do throws(StoreError) {
                if isOpenWanted, let closed = try await closed(name) { return .response(closed) }
                guard let page = try await streams.read(name, from: position ?? .start) else {
                    return .response(await missing(name))
                }
                return plain(name, page, position, try await streams.info(name)?.options.responseFields ?? [])
            } catch {
                return .response(Response(Problem(error)))
            }
        }
    }

    private func plain(
        _ name: StreamName,
        _ page: Page,
        _ position: ReadPosition?,
        _ fields: [StreamOptions.ResponseField]
    ) -> Reply {
        guard page.contentType.kind != .binary else { return .response(Response(.noPlainForm)) }
        guard position != nil, page.standing == .exact else { return .response(Response(.positionGone(page))) }
        var plan = SubscriptionPlan(
            name: name,
            // The types of somebody else's protocol are shown as they came.
            form: isOurs(name) && page.contentType.kind == .eventStream ? .foreign : .plain,
            headers: followFields(.plain) + fields.map { HeaderField($0.name, $0.value) },
            requested: "",
            opening: .page(page),
            isResume: position != .start && position != .now
        )
        plan.conclude = { conclusion, _ in
            guard case .ended(let end) = conclusion, end.reason == .done else {
                return SubscriptionPlan.ForeignEnd(bytes: [], isTorn: true)
            }
            return SubscriptionPlan.ForeignEnd(bytes: [], isTorn: false)
        }
        return .subscribe(plan)
    }

    /// The response where a stream is not there or has ended: nothing to follow. Nil while it is open.
    private func closed(_ name: StreamName) async throws(StoreError) -> Response? {
        guard let info = try await streams.info(name) else { return Response(204, headers: [StreamFields.noStore]) }
        guard let end = info.end else { return nil }
        return Response(
            204,
            headers: [StreamFields.nextOffset(info.tail)] + StreamFields.end(end) + [StreamFields.noStore]
        )
    }
}

@available(freshet 0.1, *)
extension Problem {
    static let noPlainForm = Problem(
        406,
        "no-plain-form",
        title: "No plain form of a binary stream",
        detail: "Read it with `as=sse` or `as=ndjson`, which send base64, or without `as` as bytes."
    )

    static let overloaded = Problem(
        503,
        "overloaded",
        title: "Server overloaded",
        detail: "Send the request again later.",
        headers: [HeaderField("Retry-After", "5")]
    )
}
