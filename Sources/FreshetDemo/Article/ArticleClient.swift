import FreshetServer
import StreamHTTP

/// The page with the article's own client, unchanged but for the address where a case asks for another.
///
/// It is the one page that may run what stands in it, since that is what it shows; therefore it is sandboxed by its own
/// header, has no origin, no cookie and no way to anywhere but the article's stream, wherever it is opened.
@available(freshet 0.1, *)
enum ArticleClient {
    static func page(_ request: RouteRequest) -> Response {
        var page = String(decoding: PackageResources.article_client_html, as: UTF8.self)
        if !request.basePath.isEmpty {
            page = page.replacing("'\(ArticleAPI.stream)'", with: "'\(request.basePath)\(ArticleAPI.stream)'")
        }
        if let wanted = request.target.values("case").first, let article = ArticleCase(rawValue: wanted) {
            let run = (request.target.values("run").first ?? "").filter { $0.isASCII && ($0.isLetter || $0.isNumber) }
            page = page.replacing(
                "\(ArticleAPI.stream)'",
                with: "\(ArticleAPI.stream)?case=\(article.rawValue)\(run.isEmpty ? "" : "&run=\(run)")'"
            )
        }
        return Response(
            200,
            headers: [
                HeaderField("Content-Type", "text/html; charset=utf-8"), HeaderField("Cache-Control", "no-store"),
                HeaderField("Content-Security-Policy", contentSecurityPolicy),
                HeaderField("Referrer-Policy", "no-referrer"),
            ],
            body: Array(page.utf8)
        )
    }

    static let contentSecurityPolicy = """
        sandbox allow-scripts; default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; \
        connect-src 'self'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'self'
        """
}
