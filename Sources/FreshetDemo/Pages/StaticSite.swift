import Crypto
package import StreamHTTP
import TextCodecs

/// The pages that are compiled into the program: no file is read, and nothing is asked of another host.
@available(freshet 0.1, *)
package struct StaticSite: Sendable {
    /// One file, and what its response says beside what every response of the server says.
    package struct Page: Sendable {
        package var contentType: String
        package var body: [UInt8]
        /// A strong entity tag, quotes included: a request whose `If-None-Match` names it may get 304.
        package var etag: String
        package var headers: [HeaderField]
    }

    /// The site of `freshet demo`, where the built-in answerer answers.
    package static let demo = StaticSite(files)

    /// The site of a demonstration whose answers come from elsewhere: its first page says from where.
    package static func demo(model: String, at authority: String) -> StaticSite {
        var files = Self.files
        let page = String(decoding: PackageResources.index_html, as: UTF8.self)
        let note = """
            Answers come from <b>\(escaped(model))</b> at <code>\(escaped(authority))</code>: your questions are sent there, \
            with what was said before in the conversation.
            """
        guard let opening = page.firstRange(of: noteOpening),
            let end = page[opening.upperBound...].firstRange(of: "</p>")
        else { preconditionFailure("the first page has a note that says who answers") }
        files["/"]?.body = Array((page[..<opening.upperBound] + note + page[end.lowerBound...]).utf8)
        return StaticSite(files)
    }

    private static let noteOpening = #"<p class="note" id="answerer">"#

    private static func escaped(_ text: String) -> String {
        text.replacing("&", with: "&amp;").replacing("<", with: "&lt;").replacing(">", with: "&gt;")
    }

    private static let files: [String: (contentType: String, body: [UInt8])] = [
        "/": (html, PackageResources.index_html),
        "/race": (html, PackageResources.race_html),
        "/article": (html, PackageResources.article_html),
        "/freshet.css": ("text/css; charset=utf-8", PackageResources.freshet_css),
        "/turn-view.mjs": (script, PackageResources.turn_view_mjs),
        "/chat.mjs": (script, PackageResources.chat_mjs),
        "/race.mjs": (script, PackageResources.race_mjs),
        "/race-lanes.mjs": (script, PackageResources.race_lanes_mjs),
        "/race-figures.mjs": (script, PackageResources.race_figures_mjs),
        "/race-chart.mjs": (script, PackageResources.race_chart_mjs),
        "/json-trap.mjs": (script, PackageResources.json_trap_mjs),
        "/article.mjs": (script, PackageResources.article_mjs),
        "/follow.mjs": (script, PackageResources.follow_mjs),
        "/pace.mjs": (script, PackageResources.pace_mjs),
        "/base.mjs": (script, PackageResources.base_mjs),
        "/chat-events.mjs": (script, PackageResources.chat_events_mjs),
        "/connection-view.mjs": (script, PackageResources.connection_view_mjs),
        "/conversation.mjs": (script, PackageResources.conversation_mjs),
        "/favicon.svg": ("image/svg+xml", PackageResources.favicon_svg),
    ]

    private static let html = "text/html; charset=utf-8"
    /// Browsers refuse a module that is not served as a script.
    private static let script = "text/javascript; charset=utf-8"

    /// Only what this server sends, no inline script or style, and no page of another site around ours.
    package static let contentSecurityPolicy = """
        default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; \
        frame-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'
        """

    /// With the opener policy it is what a browser asks for before it tells a page its memory exactly.
    private static let isolation = HeaderField("Cross-Origin-Embedder-Policy", "require-corp")

    let pages: [String: Page]

    private init(_ files: [String: (contentType: String, body: [UInt8])]) {
        var pages = files.mapValues { file in
            Page(
                contentType: file.contentType,
                body: file.body,
                etag: Self.etag(of: file.body),
                headers: [
                    // Asked for each time, answered with 304: a new version of the program is a new page at once.
                    HeaderField("Cache-Control", "no-cache"),
                    HeaderField("Content-Security-Policy", Self.contentSecurityPolicy),
                    HeaderField("Cross-Origin-Opener-Policy", "same-origin"),
                    HeaderField("Referrer-Policy", "no-referrer"),
                ]
            )
        }
        pages["/race"]?.headers.append(Self.isolation)
        self.pages = pages
    }

    /// The page at a path, which has no query; nil when there is none.
    package func page(at path: String) -> Page? { pages[path] }

    private static func etag(of body: [UInt8]) -> String {
        "\"" + Hexadecimal.text(SHA256.hash(data: body).prefix(12)) + "\""
    }
}
