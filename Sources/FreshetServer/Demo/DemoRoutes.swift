import NIOHTTP1
package import StreamCore
package import StreamHTTP

/// The pages of `freshet demo` and the requests behind them.
package struct DemoRoutes: RouteGroup {
    private static let bodyBytes = 16_384
    private let site: StaticSite
    private let api: DemoAPI

    package init(streams: Streams, site: StaticSite = .demo) {
        self.site = site
        self.api = DemoAPI(streams: streams)
    }

    /// The demonstration asks nobody for a key: it runs on this machine.
    package func isPublic(_ request: RouteRequest) -> Bool {
        site.page(at: request.target.rawPath) != nil || request.target.rawPath.hasPrefix(DemoAPI.prefix)
    }

    package func plan(_ request: RouteRequest) -> RequestPlan? {
        let path = request.target.rawPath
        if path.hasPrefix(DemoAPI.prefix) {
            let method = request.head.method.rawValue
            return .collect(limit: Self.bodyBytes) { [api] body in
                do throws(Problem) {
                    guard let answer = try await api.respond(method: method, path: path, body: body) else {
                        return .response(
                            Response(
                                Problem(
                                    404,
                                    "no-such-path",
                                    title: "There is nothing at this path.",
                                    detail: "Ask at \(DemoAPI.prefix)/{id}/questions."
                                )
                            )
                        )
                    }
                    let type = HeaderField("Content-Type", "application/json")
                    return .response(
                        Response(answer.status, headers: [type] + answer.headers, body: answer.body)
                    )
                } catch {
                    return .response(Response(error))
                }
            }
        }
        guard let page = site.page(at: path) else { return nil }
        guard request.head.method == .GET || request.head.method == .HEAD else {
            return .answer(Response(.method(allowed: "GET, HEAD, OPTIONS")))
        }
        let fields = [HeaderField("ETag", page.etag)] + page.headers
        if request.head.headers["If-None-Match"].contains(page.etag) { return .answer(Response(304, headers: fields)) }
        return .answer(
            Response(200, headers: [HeaderField("Content-Type", page.contentType)] + fields, body: page.body)
        )
    }
}
