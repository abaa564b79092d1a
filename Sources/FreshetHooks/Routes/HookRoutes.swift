import AsyncHTTPClient
package import FreshetServer
import NIOCore
import NIOHTTP1
import StreamCore
package import StreamHTTP
import TextCodecs

/// `GET /v1/hooks` tells how the hooks stand, and what they are yet to be told; `POST /v1/hooks/{number}` tells one now,
/// `DELETE` drops it.
@available(freshet 0.1, *)
package struct HookRoutes: RouteGroup {
    private static let path = "/v1/hooks"
    private static let mostPerPage = 1000
    /// Pages of the outbox that one request looks at.
    private static let mostPages = 10

    let hooks: Hooks

    package init(_ hooks: Hooks) {
        self.hooks = hooks
    }

    package func isPublic(_ request: RouteRequest) -> Bool { false }

    package func prepare() async throws { try await hooks.deliveries.start() }

    package func conclude() async { await hooks.deliveries.stop() }

    package func stop() async { try? await hooks.client.shutdown() }

    package func route(of target: RequestTarget, _ head: RequestHead) -> String? {
        if target.rawPath == Self.path { return Self.path }
        return target.rawPath.hasPrefix(Self.path + "/") ? "\(Self.path)/{number}" : nil
    }

    package func plan(_ request: RouteRequest) -> RequestPlan? {
        let path = request.target.rawPath
        guard path == Self.path || path.hasPrefix(Self.path + "/"), let caller = request.caller else { return nil }
        if let problem = caller.refusal(.inspect, "") { return .respond(Response(problem)) }
        guard path != Self.path else { return list(request) }
        guard let number = Int64(path.dropFirst(Self.path.count + 1)), number > 0 else {
            return .respond(Response(Self.missing))
        }
        switch request.head.method {
        case .POST: return .act { await .response(retry(number)) }
        case .DELETE:
            if let problem = caller.refusal(.delete, "") { return .respond(Response(problem)) }
            return .act { await .response(drop(number)) }
        default: return .respond(Response(.method(allowed: "POST, DELETE, OPTIONS")))
        }
    }

    private static let missing = Problem(
        404,
        "no-such-entry",
        title: "No such entry",
        detail: "It was told or dropped. GET /v1/hooks lists those there are, by their numbers."
    )

    private static let nobody = Problem(
        409,
        "no-such-hook",
        title: "No such hook",
        detail: "The hook of this entry is not in the settings. Put it back and start again, or drop the entry."
    )

    // MARK: The list

    private func list(_ request: RouteRequest) -> RequestPlan {
        guard request.head.method == .GET || request.head.method == .HEAD else {
            return .respond(Response(.method(allowed: "GET, HEAD, OPTIONS")))
        }
        do throws(Problem) {
            var after: Int64 = 0
            if let text = request.target.values("cursor").first {
                guard let number = Int64(text), number >= 0 else { throw .badParameter("cursor", "what `next` said") }
                after = number
            }
            let state = request.target.values("state").first
            guard state == nil || state == "dead" || state == "waiting" else {
                throw .badParameter("state", "dead or waiting")
            }
            let limit = try request.target.pageLimit(most: Self.mostPerPage)
            return .act { [after] in
                await .response(page(after: after, limit: limit, isDead: state.map { $0 == "dead" }))
            }
        } catch {
            return .respond(Response(error))
        }
    }

    private func page(after: Int64, limit: Int, isDead: Bool?) async -> Response {
        var found: [OutboxEntry] = []
        var last = after
        var next: Int64?
        do throws(StoreError) {
            for look in 1...Self.mostPages {
                let page = try await hooks.outbox.outboxEntries(after: last, limit: limit - found.count)
                found += page.filter { isDead == nil || ($0.failure != nil) == isDead }
                guard let end = page.last?.number, page.count > 0 else { break }
                last = end
                if found.count >= limit || look == Self.mostPages {
                    next = last
                    break
                }
            }
        } catch {
            return Response(Problem(error))
        }
        let standings = await hooks.deliveries.standings
        let usage = hooks.outbox.outboxUsage
        let body = JSONWriter.object { [found, next] page in
            page.member(
                "hooks",
                array: { array in
                    for hook in standings { array.element(object: { Self.describe(hook, in: &$0) }) }
                }
            )
            page.member("entries", usage.entries)
            page.member("dead", usage.failed)
            page.member("bytes", usage.bytes)
            page.member(
                "calls",
                array: { array in
                    for entry in found { array.element(object: { Self.describe(entry, in: &$0) }) }
                }
            )
            page.member("next", next.map { "\($0)" })
        }
        return .json(body + "\n".utf8)
    }

    private static func describe(_ hook: HookStanding, in object: inout JSONWriter) {
        object.member("name", hook.name)
        object.member("prefixes", array: { array in for prefix in hook.prefixes { array.element(prefix) } })
        object.member("disabled", hook.isDisabled)
        object.member("waiting", hook.waiting)
        object.member("delivered", hook.counts.delivered)
        object.member("failed", hook.counts.failed)
        object.member("trouble", hook.trouble)
    }

    private static func describe(_ entry: OutboxEntry, in object: inout JSONWriter) {
        object.member("number", Int(entry.number))
        object.member("id", entry.id)
        object.member("hook", entry.receiver)
        object.member("state", entry.failure == nil ? "waiting" : "dead")
        object.member("stream", entry.stream.name.text)
        object.member("type", "stream.\(entry.occasion.rawValue)")
        object.member("reason", NoticeBody.reason(of: entry))
        object.member("recorded", Timestamp.text(milliseconds: entry.recordedAt))
        object.member("events", entry.stream.events)
        object.member("bytes", entry.stream.bytes)
        object.member("contentOmitted", NoticeBody.omission(of: entry)?.rawValue)
        object.member("trouble", entry.failure)
    }

    // MARK: One entry

    private func entry(_ number: Int64) async throws(StoreError) -> OutboxEntry? {
        let found = try await hooks.outbox.outboxEntries(after: number - 1, limit: 1).first
        return found?.number == number ? found : nil
    }

    private func retry(_ number: Int64) async -> Response {
        do throws(StoreError) {
            guard let entry = try await entry(number) else { return Response(Self.missing) }
            guard hooks.deliveries.knows(entry.receiver) else { return Response(Self.nobody) }
            return Self.response(to: try await hooks.deliveries.retry(entry))
        } catch {
            return Response(Problem(error))
        }
    }

    private func drop(_ number: Int64) async -> Response {
        do throws(StoreError) {
            guard let entry = try await entry(number) else { return Response(Self.missing) }
            return Self.response(to: try await hooks.deliveries.drop(entry))
        } catch {
            return Response(Problem(error))
        }
    }

    private static func response(to outcome: HookDeliveries.Outcome) -> Response {
        switch outcome {
        case .done: Response(204)
        case .missing: Response(missing)
        case .isRunning:
            Response(
                Problem(
                    409,
                    "being-told",
                    title: "The entry is being told",
                    detail: "Its call takes 15 seconds at most. Try again after that, if it is still there."
                )
            )
        }
    }
}
