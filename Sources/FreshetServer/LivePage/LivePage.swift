import StreamCore
import StreamHTTP

/// `/ui`: the page that shows streams, their readers and the node as they are now.
///
/// What it is made of holds no data and is for everybody; what it shows it asks for by the routes that need the right
/// `inspect`. Where nobody can have that right, there is no page.
@available(freshet 0.1, *)
struct LivePage: RouteGroup {
    private static let path = "/ui"
    private let access: CurrentAccess

    init(access: CurrentAccess) {
        self.access = access
    }

    /// By the rules of this moment: a reload may bring a key with the right.
    private var isOffered: Bool {
        let policy = access.policy
        if policy.keys?.keys.contains(where: { !$0.caller.names(with: .inspect).isEmpty }) ?? false { return true }
        // What a token allows is known when it comes.
        return policy.boundToLoopback || policy.tokens != nil
    }

    func isPublic(_ request: RouteRequest) -> Bool {
        let path = request.target.rawPath
        return Self.files[path] != nil || path == "\(Self.path)/"
    }

    func route(of target: RequestTarget, _ head: RequestHead) -> String? {
        Self.files[target.rawPath] == nil ? nil : target.rawPath
    }

    func plan(_ request: RouteRequest) -> RequestPlan? {
        // What the page names is beside it. A proxy may have taken away what stood before the path.
        if request.target.rawPath == "\(Self.path)/" {
            return .respond(Response(308, headers: [HeaderField("Location", "..\(Self.path)")]))
        }
        guard let file = Self.files[request.target.rawPath] else { return nil }
        guard isOffered else { return .respond(Response(.noInspector)) }
        return .respond(file.response(to: request, Self.fields))
    }

    private static let files = [
        path: StaticFile(PackageResources.live_html, type: "text/html; charset=utf-8"),
        "\(path)/live.css": StaticFile(PackageResources.live_css, type: "text/css; charset=utf-8"),
        "\(path)/live.svg": StaticFile(PackageResources.live_svg, type: "image/svg+xml"),
        "\(path)/live.mjs": module(PackageResources.live_mjs),
        "\(path)/actions.mjs": module(PackageResources.actions_mjs),
        "\(path)/element.mjs": module(PackageResources.element_mjs),
        "\(path)/events.mjs": module(PackageResources.events_mjs),
        "\(path)/graph.mjs": module(PackageResources.graph_mjs),
        "\(path)/node.mjs": module(PackageResources.node_mjs),
        "\(path)/nodes.mjs": module(PackageResources.nodes_mjs),
        "\(path)/poll.mjs": module(PackageResources.poll_mjs),
        "\(path)/readers.mjs": module(PackageResources.readers_mjs),
        "\(path)/server.mjs": module(PackageResources.server_mjs),
        "\(path)/stream.mjs": module(PackageResources.stream_mjs),
        "\(path)/streams.mjs": module(PackageResources.streams_mjs),
        "\(path)/table.mjs": module(PackageResources.table_mjs),
        "\(path)/window.mjs": module(PackageResources.window_mjs),
        "\(path)/words.mjs": module(PackageResources.words_mjs),
    ]

    private static func module(_ body: [UInt8]) -> StaticFile {
        StaticFile(body, type: "text/javascript; charset=utf-8")
    }

    private static let fields = [
        // Asked for each time, answered with 304: a new version of the program is a new page at once.
        HeaderField("Cache-Control", "no-cache"),
        // Only what this server sends, no inline script or style, and no page of another site around it.
        HeaderField(
            "Content-Security-Policy",
            "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self'; "
                + "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
        ),
        HeaderField("Cross-Origin-Opener-Policy", "same-origin"),
        HeaderField("Referrer-Policy", "no-referrer"),
    ]
}

@available(freshet 0.1, *)
extension Problem {
    fileprivate static let noInspector = Problem(
        403,
        "no-live-page",
        title: "No live page",
        detail: "This server has no key with the right `inspect`: nobody could see anything on the page. Add the right "
            + "to a key in the keys file, name an issuer of tokens, or start the server on 127.0.0.1."
    )
}
