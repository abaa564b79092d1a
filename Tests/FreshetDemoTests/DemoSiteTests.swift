import Foundation
import StreamHTTP
import Testing

@testable import FreshetDemo

@Suite("The demo's pages")
struct DemoSiteTests {
    private let site = StaticSite.demo
    private let pages = ["/", "/race", "/article"]

    private func text(_ path: String) throws -> String {
        String(decoding: try #require(site.page(at: path)).body, as: UTF8.self)
    }

    /// A page as another one names it.
    private func relative(_ path: String) -> String { path == "/" ? "./" : String(path.dropFirst()) }

    @Test("everything a page names is a page, and nothing is asked of another host")
    func closed() throws {
        for path in site.pages.keys {
            let page = try #require(site.page(at: path))
            let text = String(decoding: page.body, as: UTF8.self)
            #expect(!text.isEmpty)
            for scheme in ["https://", "http://"] {
                let foreign = text.split(separator: scheme).dropFirst()
                    .filter { !$0.hasPrefix("localhost:4437/") && !$0.hasPrefix("www.w3.org/2000/svg") }
                #expect(foreign.isEmpty, "\(path)")
            }
        }
        for path in pages {
            let page = try text(path)
            // Relative, so that a proxy may serve them under a path. The browser modules are the server's own.
            #expect(page.matches(of: /(?:src|href)="\//).isEmpty)
            for reference in page.matches(of: /(?:src|href)="(?:\.\/)?([a-z0-9.-]*)"/) {
                #expect(site.page(at: "/\(reference.1)") != nil, "\(path): \(reference.1)")
            }
        }
        for path in site.pages.keys where path.hasSuffix(".mjs") {
            let script = String(decoding: try #require(site.page(at: path)).body, as: UTF8.self)
            for reference in script.matches(of: /from '\.(\/[^']*)'/) where !reference.1.hasPrefix("/v1/") {
                #expect(site.page(at: String(reference.1)) != nil, "\(path) imports \(reference.1)")
            }
        }
    }

    @Test("no script puts text where it could become markup, and no page has an inline script or style")
    func markup() throws {
        for path in site.pages.keys {
            // The article's page shows the article's client, as text.
            let shown = "document.getElementById(\"chat\").innerHTML += event.data;"
            let text = try text(path).replacing(shown, with: "", maxReplacements: path == "/article" ? 1 : 0)
            for danger in [
                "innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(", "DOMParser", " style=",
                "<style", " onclick=", " onerror=", "javascript:",
            ] {
                #expect(!text.contains(danger), "\(path): \(danger)")
            }
        }
        for path in pages { #expect(try text(path).matches(of: /<script(?![^>]* src=)/).isEmpty) }
    }

    @Test("every page leads to every other, and says which it is")
    func navigation() throws {
        for path in pages {
            let page = try text(path)
            for other in pages { #expect(page.contains("<a href=\"\(relative(other))\"")) }
            #expect(page.contains("<a href=\"\(relative(path))\" aria-current=\"page\">"))
            #expect(page.contains("<html lang=\"en\">") && page.contains("<main ") && page.contains("class=\"skip\""))
        }
    }

    @Test("the first page says who answers")
    func answerer() throws {
        #expect(try text("/").contains("nothing leaves this machine"))
        let page = try #require(StaticSite.demo(model: "<b>&m", at: "example.com:1234").page(at: "/"))
        let told = String(decoding: page.body, as: UTF8.self)
        #expect(told.contains("<b>&lt;b&gt;&amp;m</b> at <code>example.com:1234</code>"))
        #expect(!told.contains("nothing leaves this machine"))
        #expect(page.etag != site.page(at: "/")?.etag)
    }

    @Test("the article's page shows the code that runs: the client's page, and the example that is compiled")
    func article() throws {
        let page = try text("/article")
            .replacing("&lt;", with: "<").replacing("&gt;", with: ">").replacing("&amp;", with: "&")
        let client = String(decoding: PackageResources.article_client_html, as: UTF8.self)
        let script = try #require(client.firstMatch(of: /<script>\n((?s).*?)\n<\/script>/)).output.1
        #expect(page.contains("<code>\(script)</code>"))
        let root = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../..")
        // Without the question for the system, which is for this package alone: others say theirs in their manifest.
        let example = try String(contentsOf: root.appending(path: "Examples/ArticleServer/main.swift"), encoding: .utf8)
            .replacing("if #available(macOS 14, *) {\n", with: "").replacing("\n}\n", with: "\n")
            .replacing("\n    ", with: "\n")
        #expect(page.contains("<code>\(example.dropLast())</code>"))
    }

    @Test("each page has its type, a policy, and a tag of its own")
    func headers() throws {
        let pages = site.pages.values
        #expect(Set(pages.map(\.etag)).count == pages.count)
        for page in pages {
            #expect(page.etag.hasPrefix("\"") && page.etag.hasSuffix("\"") && page.etag.utf8.count == 26)
            let policy = page.headers.first { $0.name == "Content-Security-Policy" }
            #expect(policy?.value.hasPrefix("default-src 'none'; script-src 'self';") == true)
            #expect(page.headers.contains(HeaderField("Referrer-Policy", "no-referrer")))
        }
        #expect(site.page(at: "/")?.contentType == "text/html; charset=utf-8")
        #expect(site.page(at: "/chat.mjs")?.contentType == "text/javascript; charset=utf-8")
        #expect(site.page(at: "/favicon.svg")?.contentType == "image/svg+xml")
    }

    @Test("a path that is no page is none", arguments: ["", "//", "/index.html", "/../Package.swift", "/chat.mjs/"])
    func others(path: String) {
        #expect(site.page(at: path) == nil)
    }
}
