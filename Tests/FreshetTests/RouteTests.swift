import AsyncHTTPClient
import Freshet
import NIOHTTP1
import Testing

@Suite("A program's own routes", .timeLimit(.minutes(10)))
struct RouteTests {
    private struct OutOfOrder: Error {}

    private static let routes: [Route] = [
        .get("/") { _ in .text("home") },
        .get("/hello/{name}") { request in
            .text("Hello, \(request.parameters["name"] ?? "?")\(request.head.query("mark") ?? "")")
        },
        .get("/files/{path...}") { request in .text(request.parameters["path"] ?? "?") },
        .post("/echo", bodyLimit: 16) { request in .text(try await request.body.text()) },
        .get("/slow") { _ in
            .stream(contentType: "text/event-stream") { writer in
                try await writer.write("data: Hello\n\n")
                try await writer.write("data: World\n\n")
            }
        },
        .get("/torn") { _ in
            .stream(contentType: "text/plain") { writer in
                try await writer.write("half")
                throw OutOfOrder()
            }
        },
        .get("/fails") { _ in throw OutOfOrder() },
        .get("/json") { _ in try .json(["b": 1, "a": 2]) },
        .get("/nothing") { _ in ServerResponse(status: 204) },
        .get("/impossible") { _ in ServerResponse(status: 99) },
        Route("PUT", "/echo") { request in .text("put") },
    ]

    @Test(
        "A path is matched by its segments, and its names are decoded",
        arguments: [
            ("/", "home"), ("/hello/Ann%20B", "Hello, Ann B"), ("/hello/a%2Fb?mark=%21", "Hello, a/b!"),
            ("/files/a/b%20c/d", "a/b c/d"), ("/files/", ""), ("/json", #"{"a":2,"b":1}"#),
            ("/slow", "data: Hello\n\ndata: World\n\n"),
        ]
    )
    func matching(_ path: String, _ body: String) async throws {
        try await RunningServer.with(try EmbeddedServerTests.server(routes: Self.routes)) { running async throws in
            let answer = try await running.ask(.GET, path)
            #expect(answer.status == 200)
            #expect(answer.body == body)
            #expect(answer.headers["X-Content-Type-Options"] == ["nosniff"])
            #expect(try await running.ask(.HEAD, path).body == "")
        }
    }

    @Test("What no route answers is 404, another method 405 with those that are allowed, a failure 500")
    func refusals() async throws {
        try await RunningServer.with(try EmbeddedServerTests.server(routes: Self.routes)) { running async throws in
            for path in ["/hello", "/hello/", "/hello/a/b", "/files"] {
                #expect(try await running.ask(.GET, path).status == 404, "\(path)")
            }
            let wrong = try await running.ask(.DELETE, "/echo")
            #expect(wrong.status == 405)
            #expect(wrong.headers["Allow"] == ["POST, PUT, OPTIONS"])
            #expect(try await running.ask(.GET, "/fails").status == 500)
            #expect(try await running.ask(.GET, "/impossible").status == 500)
            #expect(try await running.ask(.GET, "/nothing").status == 204)
        }
    }

    @Test("A body is read as it comes, up to the route's limit")
    func bodies() async throws {
        try await RunningServer.with(try EmbeddedServerTests.server(routes: Self.routes)) { running async throws in
            #expect(try await running.ask(.POST, "/echo", body: "0123456789abcdef").body == "0123456789abcdef")
            #expect(try await running.ask(.POST, "/echo", body: "0123456789abcdef0").status == 413)
            #expect(try await running.ask(.PUT, "/echo", body: "x").body == "put")
        }
    }

    @Test("A response that fails in the middle is torn, not complete")
    func torn() async throws {
        try await RunningServer.with(try EmbeddedServerTests.server(routes: Self.routes)) { running async throws in
            await #expect(throws: (any Error).self) { try await running.ask(.GET, "/torn") }
        }
    }

    @Test("A peer that leaves cancels the route that answers it")
    func leaving() async throws {
        let cancelled = AsyncStream.makeStream(of: Void.self)
        let route = Route.get("/endless") { _ in
            .stream(contentType: "text/plain") { writer in
                try await writer.write("begun")
                do {
                    try await Task.sleep(for: .seconds(3600))
                } catch {
                    cancelled.continuation.finish()
                    throw error
                }
            }
        }
        try await RunningServer.with(try EmbeddedServerTests.server(routes: [route])) { running async throws in
            let reading = Task {
                let answer = try await running.open(.GET, "/endless")
                for try await _ in answer.body { return }
            }
            try await reading.value
            for await _ in cancelled.stream {}
        }
    }

    @Test("Routes need no key, and obey the rules of origins all the same")
    func access() async throws {
        let server = try EmbeddedServerTests.server(routes: Self.routes, authorise: { _ in .refuse })
        try await RunningServer.with(server) { running async throws in
            #expect(try await running.ask(.GET, "/").body == "home")
            let foreign = [("Origin", "https://evil.example")]
            #expect(try await running.ask(.POST, "/echo", foreign, body: "x").status == 403)
            #expect(try await running.ask(.GET, "/", [("Host", "evil.example")]).status == 403)
        }
    }

    @Test(
        "A route that cannot be is refused when the server is made, with the reason",
        arguments: ["hello", "/v1/mine", "/health", "/metrics", "/{a}/{a}", "/{a...}/b", "/{}", "/a?b"]
    )
    func wrongPaths(_ path: String) {
        let error = #expect(throws: SetupError.self) {
            try EmbeddedServerTests.server(routes: [.get(path) { _ in .text("") }])
        }
        #expect(error?.problems.count == 1)
    }
}
