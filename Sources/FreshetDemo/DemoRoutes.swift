package import FreshetServer
package import StreamCore
package import StreamHTTP

/// What `freshet demo` serves beside streams: the pages, and the requests behind them.
@available(freshet 0.1, *)
package struct DemoRoutes: RouteGroup {
    private static let mostBodyBytes = 16 * 1024
    private let site: StaticSite
    private let api: DemoAPI
    private let race: RaceAPI
    private let article: ArticleAPI
    private let proxy = DemoProxy()

    package init(streams: Streams, model: any DemoModel, site: StaticSite = .demo) {
        self.site = site
        self.api = DemoAPI(streams: streams, model: model)
        self.race = RaceAPI(streams: streams)
        self.article = ArticleAPI(streams: streams)
    }

    /// The demonstration asks nobody for a key: the pages hold nothing to hide, and asking is what they are for.
    package func isPublic(_ request: RouteRequest) -> Bool {
        let path = request.target.rawPath
        return site.page(at: path) != nil || DemoAPI.Route(path) != nil || path.hasPrefix(DemoProxy.prefix)
            || RaceAPI.has(path) || ArticleAPI.has(path)
    }

    package func plan(_ request: RouteRequest) -> RequestPlan? {
        let path = request.target.rawPath
        if let page = site.page(at: path) { return .respond(response(request, page)) }
        if let route = DemoProxy.Route(request.head.uri) {
            guard request.head.method == .GET else { return .respond(Response(.method(allowed: "GET, OPTIONS"))) }
            return .exchange(proxy.exchange(route, request))
        }
        if let plan = race.plan(request) ?? article.plan(request) { return plan }
        guard let route = DemoAPI.Route(path) else { return nil }
        // A demo that is going away begins nothing that it could not bring to its end.
        if request.facts.isDraining { return .respond(Response(.draining)) }
        let method = request.head.method.rawValue
        let base = request.basePath
        return .collect(limit: Self.mostBodyBytes) { [api] body in
            .response(await api.respond(to: route, method: method, body: body).located(under: base))
        }
    }

    private func response(_ request: RouteRequest, _ page: StaticSite.Page) -> Response {
        guard request.head.method == .GET || request.head.method == .HEAD else {
            return Response(.method(allowed: "GET, HEAD, OPTIONS"))
        }
        let fields = page.headers + [HeaderField("ETag", page.etag)]
        if request.head.headers[list: "If-None-Match"].contains(where: { $0 == page.etag || $0 == "*" }) {
            return Response(304, headers: fields)
        }
        return Response(200, headers: fields + [HeaderField("Content-Type", page.contentType)], body: page.body)
    }
}
