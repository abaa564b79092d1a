import StreamHTTP
import Testing

@testable import FreshetServer

@Suite("The demo's pages")
struct DemoSiteTests {
    private let site = StaticSite.demo

    @Test("everything a page names is a page, and nothing is asked of another host")
    func closed() throws {
        for path in site.paths {
            let page = try #require(site.page(at: path))
            let text = String(decoding: page.body, as: UTF8.self)
            #expect(!text.isEmpty)
            for scheme in ["https://", "http://"] {
                let foreign = text.split(separator: scheme).dropFirst()
                    .filter { !$0.hasPrefix("localhost:4437/") && !$0.hasPrefix("www.w3.org/2000/svg") }
                #expect(foreign.isEmpty, "\(path)")
            }
        }
        let index = String(decoding: try #require(site.page(at: "/")).body, as: UTF8.self)
        for reference in index.matches(of: /(?:src|href)="(\/[^"#]*)"/) {
            #expect(site.page(at: String(reference.1)) != nil, "\(reference.1)")
        }
        for path in site.paths where path.hasSuffix(".mjs") {
            let script = String(decoding: try #require(site.page(at: path)).body, as: UTF8.self)
            for reference in script.matches(of: /from '\.(\/[^']*)'/) {
                #expect(site.page(at: String(reference.1)) != nil, "\(path) imports \(reference.1)")
            }
        }
    }

    @Test("no script puts text where it could become markup, and no page has an inline script or style")
    func markup() throws {
        for path in site.paths {
            let text = String(decoding: try #require(site.page(at: path)).body, as: UTF8.self)
            for danger in [
                "innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(", "DOMParser", " style=",
                "<style", " onclick=", " onerror=", "javascript:",
            ] {
                #expect(!text.contains(danger), "\(path): \(danger)")
            }
        }
        let index = String(decoding: try #require(site.page(at: "/")).body, as: UTF8.self)
        #expect(index.matches(of: /<script(?![^>]* src=)/).isEmpty)
    }

    @Test("each page has its type, a policy, and a tag of its own")
    func headers() throws {
        let pages = site.paths.compactMap { site.page(at: $0) }
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
