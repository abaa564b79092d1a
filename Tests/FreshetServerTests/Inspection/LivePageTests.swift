import StoreSuite
import StreamCore
import StreamHTTP
import Testing

@testable import FreshetServer

@Suite("The live page", .timeLimit(.minutes(10)))
struct LivePageTests {
    private let keys = "all 0123456789abcdef all *\n"
    private let inspector = "operator fedcba9876543210 all,inspect team/\n"

    @Test func `is for everybody, with what it may do said in its head`() async throws {
        try await TestServer.run(keys: keys + inspector) { server in
            let page = try await server.ask("GET", "/ui")
            #expect(page.status == 200)
            #expect(page.header("Content-Type") == "text/html; charset=utf-8")
            let policy = try #require(page.header("Content-Security-Policy"))
            for part in ["default-src 'none'", "script-src 'self'", "style-src 'self'", "frame-ancestors 'none'"] {
                #expect(policy.contains(part))
            }
            #expect(!policy.contains("unsafe"))
            #expect(page.header("X-Content-Type-Options") == "nosniff")
            #expect(page.header("Cross-Origin-Resource-Policy") == "same-origin")
            #expect(page.header("Cache-Control") == "no-cache")
            let etag = try #require(page.header("ETag"))
            #expect(try await server.ask("GET", "/ui", "If-None-Match: \(etag)").status == 304)
            #expect(try await server.ask("POST", "/ui").status == 405)
            #expect(try await server.ask("GET", "/ui/nothing.mjs").status == 401, "a path like any other")
            let other = try await server.ask("GET", "/ui/")
            #expect(other.status == 308 && other.header("Location") == "../ui")
            #expect(try await server.ask("GET", "/v1/streams?state=open").status == 401, "what it shows needs a key")
        }
    }

    @Test func `has each file that it names, as what it is`() async throws {
        try await TestServer.run { server in
            var found: Set = ["ui"]
            var left = ["ui"]
            while let path = left.popLast() {
                let file = try await server.ask("GET", "/\(path)")
                #expect(file.status == 200, "\(path)")
                let type = path.hasSuffix(".mjs") || path.hasSuffix(".js") ? "text/javascript; charset=utf-8" : nil
                if let type { #expect(file.header("Content-Type") == type) }
                guard !path.hasPrefix("v1/") else { continue }
                for name in file.body.matches(of: #/(?:href|src)="([^"#]+)"|from '(\.[^']+)'/#) {
                    let name = String(name.1 ?? name.2 ?? "")
                    let next =
                        name.hasPrefix("../") ? String(name.dropFirst(3)) : "ui/" + name.split(separator: "/").last!
                    if found.insert(next).inserted { left.append(next) }
                }
            }
            #expect(found.count > 12 && found.contains("v1/freshet.js") && found.contains("ui/live.css"))
        }
    }

    @Test func `is nowhere that nobody may see anything on it`() async throws {
        let facts = ConnectionFacts(address: "a", refusal: nil, isDraining: false)
        func policy(_ keys: String?, onLoopback: Bool) throws -> AccessPolicy {
            AccessPolicy(
                boundToLoopback: onLoopback,
                hosts: [],
                allowedOrigins: [],
                keys: try keys.map { try KeyRing(parsing: $0, file: "keys") },
                open: keys == nil
            )
        }
        for (keys, onLoopback, status) in [
            (nil, true, 200), (nil, false, 403), (keys, true, 200), (keys, false, 403), (keys + inspector, false, 200),
        ] {
            let page = LivePage(access: CurrentAccess(try policy(keys, onLoopback: onLoopback)))
            let head = RequestHead(method: .GET, uri: "/ui")
            let request = RouteRequest(head: head, target: RequestTarget("/ui"), facts: facts)
            #expect(page.isPublic(request))
            guard case .respond(let response) = try #require(page.plan(request)) else {
                Issue.record("it is answered at once")
                continue
            }
            #expect(response.status == status, "\(keys ?? "no keys"), \(onLoopback ? "loopback" : "beyond")")
        }
    }

    @Test func `comes and goes with the keys and issuers of a reload`() throws {
        func policy(_ keys: String?, tokens: (any TokenAuthenticator)? = nil, onLoopback: Bool) throws -> AccessPolicy {
            AccessPolicy(
                boundToLoopback: onLoopback,
                hosts: [],
                allowedOrigins: [],
                keys: try keys.map { try KeyRing(parsing: $0, file: "keys") },
                tokens: tokens,
                open: false
            )
        }
        let access = CurrentAccess(try policy(keys, onLoopback: false))
        let page = LivePage(access: access)
        func status() throws -> Int {
            let facts = ConnectionFacts(address: "a", refusal: nil, isDraining: false)
            let head = RequestHead(method: .GET, uri: "/ui")
            let request = RouteRequest(head: head, target: RequestTarget("/ui"), facts: facts)
            guard case .respond(let response) = try #require(page.plan(request)) else { return 0 }
            return response.status
        }
        #expect(try status() == 403)
        access.replace(with: try policy(keys + inspector, onLoopback: false))
        #expect(try status() == 200)
        access.replace(with: try policy(keys, onLoopback: false))
        #expect(try status() == 403)
        // What a token allows is known when it comes.
        for onLoopback in [true, false] {
            access.replace(with: try policy(nil, tokens: NoTokens(), onLoopback: onLoopback))
            #expect(try status() == 200)
        }
    }
}

/// An issuer who has signed nothing.
private struct NoTokens: TokenAuthenticator {
    func authenticate(_ request: RouteRequest, _ facts: RequestFacts, now: Int64) -> Authentication { .undecided }
    func isToken(_ word: String, now: Int64) -> Bool { false }
    func knows(_ signer: TokenSigner) -> Bool { false }
}
