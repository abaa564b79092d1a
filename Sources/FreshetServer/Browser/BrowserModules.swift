import StreamHTTP
import TextCodecs

/// The modules for pages that read streams (`clients/browser`), for pages of every origin: `/v1/freshet.js` and
/// `/v1/freshet-text.js` are those of this server, and with its version in the name they never change.
@available(freshet 0.1, *)
enum BrowserModules {
    private static let modules = [
        "/v1/freshet": module(PackageResources.freshet_js),
        "/v1/freshet-text": module(PackageResources.freshet_text_js),
    ]

    private static func module(_ body: [UInt8]) -> StaticFile {
        StaticFile(body, type: "text/javascript; charset=utf-8")
    }

    private static let beginning = "/v1/freshet"
    private static let versioned = "-" + FreshetVersion.number

    /// The module that a path names, and whether it names its version; nil for every other path.
    private static func module(at path: String) -> (module: StaticFile, isVersioned: Bool)? {
        // Every request comes here: by bytes, which costs a tenth of what characters do.
        guard path.begins(withBytesOf: beginning), path.hasSuffix(".js") else { return nil }
        let name = path.dropLast(3)
        if let module = modules[String(name)] { return (module, false) }
        guard name.hasSuffix(versioned) else { return nil }
        return modules[String(name.dropLast(versioned.utf8.count))].map { ($0, true) }
    }

    /// Whether a request is for a module, which pages of other origins may have.
    static func isModule(_ head: RequestHead?) -> Bool {
        guard let head else { return false }
        // A path that begins otherwise, which is that of most requests, needs no further look.
        if head.uri.utf8.first == UInt8(ascii: "/"), !head.uri.begins(withBytesOf: beginning) { return false }
        return isModule(RequestTarget(head.uri).rawPath)
    }

    static func isModule(_ path: String) -> Bool { module(at: path) != nil }

    /// The response to a request for a module; nil when it is for something else.
    static func response(to request: RouteRequest) -> Response? {
        guard let (module, isVersioned) = module(at: request.target.rawPath) else { return nil }
        let caching = isVersioned ? "public, max-age=31536000, immutable" : "public, no-cache"
        return module.response(to: request, [HeaderField("Cache-Control", caching)])
    }

    /// What every response has that is for pages of any origin: no secret is in it, and no cookie changes it.
    static let everyResponse = [
        HeaderField("Access-Control-Allow-Origin", "*"), HeaderField("Cross-Origin-Resource-Policy", "cross-origin"),
        HeaderField("Timing-Allow-Origin", "*"), HeaderField("X-Content-Type-Options", "nosniff"),
    ]
}
