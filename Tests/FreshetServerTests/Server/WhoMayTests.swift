import StoreSuite
import StreamCore
import StreamHTTP
import Testing

@testable import FreshetServer

@Suite("Who may, over the wire", .timeLimit(.minutes(10)))
struct WhoMayTests {
    private let keys =
        "writer 0123456789abcdef create,append,end,cancel,read,delete team/*\nreader fedcba9876543210 read *\n"

    @Test("a page of another origin can neither write nor be read by, and one that is configured can")
    func origins() async throws {
        try await TestServer.run({ $0.allowedOrigins = ["https://app.example"] }) { server in
            for origin in ["https://evil.example", "null", "https://app.example.evil.example", "http://app.example"] {
                let write = try await server.ask("PUT", "/v1/stream/a", "Origin: \(origin)")
                #expect(write.status == 403, "\(origin)")
                #expect(write.header("Access-Control-Allow-Origin") == nil)
                #expect(write.header("Vary") == "Accept, Origin")
            }
            #expect(try await server.ask("PUT", "/v1/stream/a", "Sec-Fetch-Site: cross-site").status == 403)
            #expect(
                try await server.ask("PUT", "/v1/stream/a", "Origin: http://localhost:\(server.port)").status == 201
            )
            let origin = "Origin: https://app.example"
            for (method, target, status) in [
                ("PUT", "/v1/stream/b", 201), ("GET", "/v1/stream/b", 200), ("GET", "/v1/stream/none", 404),
                ("POST", "/v1/stream/b", 400), ("PATCH", "/v1/stream/b", 405), ("DELETE", "/v1/stream/b", 204),
            ] {
                let answer = try await server.ask(method, target, origin)
                #expect(answer.status == status)
                #expect(answer.header("Access-Control-Allow-Origin") == "https://app.example")
                #expect(answer.header("Access-Control-Allow-Credentials") == "true")
                #expect(answer.header("Access-Control-Expose-Headers")?.contains("Stream-Next-Offset") == true)
                #expect(answer.header("Timing-Allow-Origin") == "https://app.example")
            }
            let preflight = try await server.ask(
                "OPTIONS",
                "/v1/stream/b",
                origin,
                "Access-Control-Request-Method: PUT"
            )
            #expect(preflight.status == 204)
            #expect(preflight.header("Access-Control-Allow-Methods")?.contains("PUT") == true)
            #expect(preflight.header("Access-Control-Allow-Headers")?.contains("Last-Event-ID") == true)
            let foreign = try await server.ask("OPTIONS", "/v1/stream/b", "Origin: https://evil.example")
            #expect(foreign.header("Access-Control-Allow-Origin") == nil)
            let read = try await server.ask("GET", "/v1/stream/a", "Origin: https://evil.example")
            #expect(read.status == 200)
            #expect(read.header("Timing-Allow-Origin") == nil)
            let module = try await server.ask("GET", "/v1/freshet.js", "Origin: https://evil.example")
            #expect(module.status == 200)
            #expect(module.header("Timing-Allow-Origin") == "*")
            let malformed = try await server.connect()
            let answer = try await malformed.request(
                "GET /v1/stream/b HTTP/1.1\r\n\(server.host)\(origin)\r\nContent-Length: x\r\n\r\n"
            )
            #expect(answer.status == 400)
        }
    }

    @Test("bound to loopback, a foreign Host is refused, whatever is asked")
    func hosts() async throws {
        try await TestServer.run({ $0.hosts = ["dev.example"] }) { server in
            for (host, status) in [
                ("evil.example", 403), ("127.0.0.1", 200), ("[::1]:80", 200), ("LOCALHOST.", 200), ("dev.example", 200),
                ("localhost.evil.example", 403), ("127.0.0.1.evil.example", 403),
            ] {
                let client = try await server.connect()
                let answer = try await client.request("GET /health HTTP/1.1\r\nHost: \(host)\r\n\r\n")
                #expect(answer.status == status, "\(host)")
                await client.close()
            }
            for head in ["", "Host: localhost\r\nHost: evil.example\r\n"] {
                let client = try await server.connect()
                let answer = try await client.request("GET /health HTTP/1.1\r\n\(head)\r\n")
                #expect(answer.status == 400)
                await client.close()
            }
        }
    }

    @Test("keys give rights on prefixes")
    func keyed() async throws {
        try await TestServer.run(keys: keys) { server in
            let writer = "Authorization: Bearer 0123456789abcdef"
            let reader = "Authorization: Bearer fedcba9876543210"
            #expect(try await server.ask("PUT", "/v1/stream/team/a").status == 401)
            #expect(try await server.ask("PUT", "/v1/stream/team/a", "Authorization: Bearer wrong").status == 401)
            #expect(try await server.ask("PUT", "/v1/stream/team/a", reader).status == 403)
            #expect(try await server.ask("PUT", "/v1/stream/other/a", writer).status == 403)
            #expect(try await server.ask("PUT", "/v1/stream/team/a", writer).status == 201)
            #expect(try await server.ask("GET", "/v1/stream/team/a", reader).status == 200)
            #expect(try await server.ask("GET", "/v1/stream/team/a").status == 401)
            #expect(try await server.ask("POST", "/v1/stream/team/a", reader, "Stream-Cancel: true").status == 403)
            #expect(try await server.ask("POST", "/v1/stream/team/a", reader, "Stream-Lease: 5").status == 403)
            #expect(try await server.ask("POST", "/v1/stream/team/a", reader, "Stream-Closed: true").status == 403)
            #expect(try await server.ask("DELETE", "/v1/stream/team/a", reader).status == 403)
            let list = try await server.ask("GET", "/v1/streams", writer)
            #expect(list.body.contains("team/a"))
            #expect(try await server.ask("GET", "/health").status == 200)
            let early = try await server.ask("GET", "/v1/stream/team/a", "Accept: text/event-stream")
            #expect(early.status == 401)
        }
    }

    @Test("a page reads by a cookie that a key buys, and writes by it only from the server's own pages")
    func sessions() async throws {
        try await TestServer.run(keys: keys) { server in
            let writer = "Authorization: Bearer 0123456789abcdef"
            #expect(try await server.ask("POST", "/v1/session").status == 401)
            #expect(try await server.ask("POST", "/v1/session", "Authorization: Bearer wrong").status == 401)
            #expect(try await server.ask("GET", "/v1/session").status == 405)
            let session = try await server.ask("POST", "/v1/session", writer)
            #expect(session.status == 204)
            #expect(session.header("Cache-Control") == "no-store")
            let set = try #require(session.header("Set-Cookie"))
            for attribute in ["HttpOnly", "SameSite=Strict", "Path=/"] { #expect(set.contains(attribute)) }
            let cookie = "Cookie: \(set.prefix { $0 != ";" })"
            try await server.ask("PUT", "/v1/stream/team/a", writer, "Content-Type: text/plain", body: "x")
            #expect(try await server.ask("GET", "/v1/stream/team/a", cookie).body == "x")
            let reader = try await server.reader("/v1/stream/team/a", cookie)
            #expect(try await reader.chunk()?.contains("data: x") == true)
            let own = "Origin: http://localhost:\(server.port)"
            let refused = try await server.ask("DELETE", "/v1/stream/team/a", cookie, own)
            #expect(refused.status == 403 && refused.body.contains("The session lacks delete"))
            let both = try await self.cookie(server, writer, own, #"{"read":true,"delete":true}"#)
            #expect(try await server.ask("GET", "/v1/stream/team/a", both).body == "x")
            #expect(try await server.ask("DELETE", "/v1/stream/team/a", both).status == 401)
            #expect(try await server.ask("DELETE", "/v1/stream/team/a", both, own).status == 204)
            #expect(try await server.ask("GET", "/v1/stream/team/a", "\(cookie)x").status == 401)
            server.time.advance(by: .seconds(86_401))
            #expect(try await server.ask("GET", "/v1/stream/team/a", cookie).status == 401)
        }
    }

    private func cookie(_ server: TestServer, _ key: String, _ page: String, _ body: String) async throws -> String {
        let answer = try await server.ask("POST", "/v1/session", key, page, body: body)
        #expect(answer.status == 204, "\(answer.body)")
        return "Cookie: \(try #require(answer.header("Set-Cookie")).prefix { $0 != ";" })"
    }

    @Test("a cookie that a key buys is for reading, unless a page of a listed origin names other rights")
    func rightsOfSessions() async throws {
        let page = "Origin: https://app.example"
        let lines = """
            admin 0000000000000000 all *
            owner 0123456789abcdef all team/
            owner 0123456789abcdef inspect logs/
            writer fedcba9876543210 append *
            """
        try await TestServer.run({ $0.allowedOrigins = ["https://app.example"] }, keys: lines) { server in
            let (owner, writer) = ("Authorization: Bearer 0123456789abcdef", "Authorization: Bearer fedcba9876543210")
            for name in ["team/a", "logs/a"] {
                try await server.ask("PUT", "/v1/stream/\(name)", "Authorization: Bearer 0000000000000000")
            }
            /// What a cookie may do with which of the streams, of all that its key may.
            func allowed(_ cookie: String) async throws -> [String] {
                var found: [String] = []
                for name in ["team/a", "logs/a"] {
                    for (right, method, target, field) in [
                        ("read", "GET", "/v1/stream/\(name)", "X-A: b"),
                        ("inspect", "GET", "/v1/readers?stream=\(name)", "X-A: b"),
                        ("append", "POST", "/v1/stream/\(name)", "Stream-Lease: 60"),
                        ("create", "PUT", "/v1/stream/\(name)", "X-A: b"),
                    ] {
                        let answer = try await server.ask(method, target, cookie, page, field)
                        #expect([200, 201, 204, 403].contains(answer.status))
                        if answer.status != 403 { found.append("\(right) \(name)") }
                    }
                }
                return found
            }
            for body in ["", "{}", #"{"for":60}"#, #"{"read":true}"#] {
                #expect(try await allowed(cookie(server, owner, page, body)) == ["read team/a"], "\(body)")
            }
            // As far as the key has them.
            let wide = try await cookie(server, owner, page, #"{"all":true,"inspect":true}"#)
            #expect(try await allowed(wide) == ["read team/a", "append team/a", "create team/a", "inspect logs/a"])
            let mixed = try await cookie(server, owner, page, #"{"inspect":true,"append":["team/a"]}"#)
            #expect(try await allowed(mixed) == ["append team/a", "inspect logs/a"])
            for (key, field, body, code) in [
                (owner, "X-A: b", #"{"read":true,"append":true}"#, "session-origin"),
                (owner, "Sec-Fetch-Site: same-site", #"{"append":["team/a"]}"#, "session-origin"),
                (writer, page, "", "session-too-wide"), (writer, page, #"{"inspect":true}"#, "session-too-wide"),
                (owner, page, #"{"inspect":["team/"]}"#, "session-too-wide"),
                (owner, page, #"{"read":false}"#, "bad-session"),
            ] {
                let answer = try await server.ask("POST", "/v1/session", key, field, body: body)
                #expect(answer.body.contains("urn:freshet:\(code)"), "\(body)")
                #expect(answer.header("Set-Cookie") == nil)
            }
        }
    }
}
