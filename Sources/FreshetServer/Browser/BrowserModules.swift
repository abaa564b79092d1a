import Crypto
import StreamHTTP
import TextCodecs

/// The modules for pages that read streams (`clients/browser`), for pages of every origin: `/v1/freshet.js` and
/// `/v1/freshet-text.js` are those of this server, and with its version in the name they never change.
enum BrowserModules {
    /// One module.
    private struct Module {
        var body: [UInt8]
        var etag: String

        init(_ body: [UInt8]) {
            self.body = body
            self.etag = "\"" + Hexadecimal.text(SHA256.hash(data: body).prefix(12)) + "\""
        }
    }

    private static let modules = [
        "/v1/freshet": Module(PackageResources.freshet_js),
        "/v1/freshet-text": Module(PackageResources.freshet_text_js),
    ]

    private static let versioned = "-" + FreshetVersion.number

    /// The module that a path names, and whether it names its version; nil for every other path.
    private static func module(at path: String) -> (module: Module, isVersioned: Bool)? {
        guard path.hasPrefix("/v1/freshet"), path.hasSuffix(".js") else { return nil }
        let name = path.dropLast(3)
        if let module = modules[String(name)] { return (module, false) }
        guard name.hasSuffix(versioned) else { return nil }
        return modules[String(name.dropLast(versioned.utf8.count))].map { ($0, true) }
    }

    /// Whether a request is for a module, which pages of other origins may have.
    static func isModule(_ head: RequestHead?) -> Bool {
        head.map { module(at: RequestTarget($0.uri).rawPath) != nil } ?? false
    }

    /// The response to a request for a module; nil when it is for something else.
    static func response(to request: RouteRequest) -> Response? {
        guard let (module, isVersioned) = module(at: request.target.rawPath) else { return nil }
        guard request.head.method == .GET || request.head.method == .HEAD else {
            return Response(.method(allowed: "GET, HEAD, OPTIONS"))
        }
        let fields = [
            HeaderField("ETag", module.etag),
            HeaderField("Cache-Control", isVersioned ? "public, max-age=31536000, immutable" : "public, no-cache"),
        ]
        if request.head.headers[list: "If-None-Match"].contains(where: { $0 == module.etag || $0 == "*" }) {
            return Response(304, headers: fields)
        }
        let type = HeaderField("Content-Type", "text/javascript; charset=utf-8")
        return Response(200, headers: fields + [type], body: module.body)
    }

    /// What every response has that is for pages of any origin: no secret is in it, and no cookie changes it.
    static let everyResponse = [
        HeaderField("Access-Control-Allow-Origin", "*"), HeaderField("Cross-Origin-Resource-Policy", "cross-origin"),
        HeaderField("X-Content-Type-Options", "nosniff"),
    ]
}
