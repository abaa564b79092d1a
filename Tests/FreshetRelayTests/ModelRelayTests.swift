import AsyncHTTPClient
import Freshet
import FreshetRelay
import FreshetTokens
import Logging
import NIOCore
import NIOHTTP1
import ScriptedServer
import ServiceLifecycle
import Testing

@Suite("The relay inside a program", .timeLimit(.minutes(10)))
struct ModelRelayTests {
    private static let trace = "4bf92f3577b34da6a3ce929d0e0e4736"
    private static let call = #"{"model":"builtin","stream":true,"messages":[{"role":"user","content":"Why?"}]}"#

    /// Runs a server that relays until the body returns.
    private func serving<Value: Sendable>(
        _ relay: ModelRelay,
        tokens: SignedTokens? = nil,
        authorise: (@Sendable (RequestHead) async throws -> AccessDecision)? = nil,
        _ body: @Sendable (EmbeddedServer, _ url: String) async throws -> Value
    ) async throws -> Value {
        var configuration = EmbeddedServer.Configuration(port: 0)
        configuration.drainDeadline = .seconds(5)
        let server = try EmbeddedServer(
            configuration: configuration,
            mounts: [relay.mount],
            tokens: tokens,
            authorise: authorise
        )
        let group = ServiceGroup(configuration: .init(services: [server], logger: Logger(label: "test")))
        return try await withThrowingTaskGroup(of: Void.self) { tasks in
            tasks.addTask { try await group.run() }
            let value = try await body(server, server.listening().description)
            await group.triggerGracefulShutdown()
            try await tasks.waitForAll()
            return value
        }
    }

    private func ask(
        _ url: String,
        _ method: HTTPMethod = .POST,
        _ headers: HTTPHeaders = [:],
        body: String? = nil
    ) async throws -> (status: Int, headers: HTTPHeaders, body: String) {
        var request = HTTPClientRequest(url: url)
        request.method = method
        request.headers = headers
        if let body {
            request.headers.replaceOrAdd(name: "Content-Type", value: "application/json")
            request.body = .bytes(ByteBuffer(string: body))
        }
        let response = try await HTTPClient.shared.execute(request, timeout: .seconds(120))
        let text = String(buffer: try await response.body.collect(upTo: 1 << 20))
        return (Int(response.status.code), response.headers, text)
    }

    @Test("A call becomes a stream of the program, which answers the built-in model itself")
    func builtin() async throws {
        let relay = try ModelRelay(upstreams: ["builtin"], builtin: { ["You asked: ", $0, " Because."] })
        try await serving(relay) { (server, url) async throws in
            let response = try await ask(url + "/v1/chat/completions", body: Self.call)
            #expect(response.status == 200 && response.body.hasSuffix("data: [DONE]\n\n"))
            #expect(response.body.contains("Because."))
            let location = try #require(response.headers.first(name: "Location"))
            let name = try #require(location.split(separator: "/v1/stream/").last)
            #expect(name.hasPrefix("relay/"))
            var last: EventStream.End?
            var count = 0
            for try await update in try server.streams.stream(String(name)).events() {
                if case .event = update { count += 1 }
                if case .end(let end) = update { last = end }
            }
            #expect(count > 3 && last?.reason == .done)
            let metrics = try await ask(url + "/metrics", .GET)
            #expect(metrics.body.contains("freshet_relay_started_total 1"))
        }
    }

    @Test("A provider is called over HTTP with the program's key, and once for one Idempotency-Key")
    func provider() async throws {
        let events = "data: {\"choices\":[{\"delta\":{\"content\":\"Hi\"}}]}\n\ndata: [DONE]\n\n"
        try await ScriptedServer.run(answer: { _, _ in .events(events) }) { upstream in
            let words = "local \(upstream.origin)/v1 key=env:KEY"
            let relay = try ModelRelay(upstreams: [words], environment: ["KEY": "secret"])
            try await serving(relay) { (_, url) async throws in
                let key: HTTPHeaders = ["Idempotency-Key": "one", "Authorization": "Bearer mine", "X-Own": "passes"]
                for _ in 0..<2 {
                    let response = try await ask(url + "/v1/chat/completions", .POST, key, body: Self.call)
                    #expect(response.status == 200 && response.body.contains("\"Hi\""))
                }
            }
            #expect(upstream.requests.count == 1)
            #expect(upstream.requests.first?.headers["Authorization"] == ["Bearer secret"])
            #expect(upstream.requests.first?.headers["X-Own"] == ["passes"])
        }
    }

    @Test("Beside a closure that authorises, only known fields go on, and only who may create relays")
    func authorised() async throws {
        try await ScriptedServer.run(answer: { _, _ in .events("data: [DONE]\n\n") }) { upstream in
            let relay = try ModelRelay(upstreams: ["local \(upstream.origin)/v1 key=none"])
            let authorise: @Sendable (RequestHead) async throws -> AccessDecision = { request in
                switch request.header("X-Session") {
                case "ada": .allow("ada", [.init(.create, on: ["relay/"])])
                case "bob": .allow("bob", [.init(.read)])
                default: .refuse
                }
            }
            try await serving(relay, authorise: authorise) { (_, url) async throws in
                for (session, status) in [("ada", 200), ("bob", 403), ("eve", 401)] {
                    let headers: HTTPHeaders = [
                        "X-Session": session, "OpenAI-Project": "p", "Authorization": "Bearer x",
                        "traceparent": "00-\(Self.trace)-00f067aa0ba902b7-01",
                    ]
                    #expect(
                        try await ask(url + "/v1/chat/completions", .POST, headers, body: Self.call).status == status
                    )
                }
            }
            #expect(upstream.requests.count == 1)
            let fields = try #require(upstream.requests.first?.headers)
            #expect(fields["OpenAI-Project"] == ["p"])
            #expect(fields["X-Session"].isEmpty && fields["Authorization"].isEmpty)
            #expect(fields["traceparent"].first?.contains(Self.trace) == true)
        }
    }

    @Test("A signed token is a key as others are, and goes on to no provider")
    func tokens() async throws {
        let secret = Array("a-secret-of-at-least-thirty-two-bytes".utf8)
        let maker = try TokenMaker(secret: secret, issuer: "app", audience: "freshet")
        let tokens = SignedTokens.issuers([TokenIssuer("app", audience: "freshet", keys: [.secret(secret)])])
        func token(_ rights: StreamRights) throws -> String {
            try maker.token(for: "ada", [.init(rights, onNamesBeginningWith: ["relay/"])], lifetime: .seconds(600))
        }
        try await ScriptedServer.run(answer: { _, _ in .events("data: [DONE]\n\n") }) { upstream in
            let relay = try ModelRelay(upstreams: ["local \(upstream.origin)/v1 key=none"])
            let (creates, reads) = (try token(.create), try token(.read))
            try await serving(relay, tokens: tokens) { (_, url) async throws in
                for (shown, status) in [(creates, 200), (reads, 403), ("nothing", 401)] {
                    let headers: HTTPHeaders = ["Freshet-Key": shown, "X-Own": "passes", "X-Other": shown]
                    #expect(
                        try await ask(url + "/v1/chat/completions", .POST, headers, body: Self.call).status == status
                    )
                }
            }
            #expect(upstream.requests.count == 1)
            let fields = try #require(upstream.requests.first?.headers)
            #expect(fields["X-Own"] == ["passes"] && !"\(fields)".contains(creates))
        }
    }

    @Test("What is wrong with it is told when the server is set up")
    func setup() throws {
        #expect(throws: SetupError.self) { try ModelRelay(upstreams: ["nothing known"]) }
        func problems(_ relay: ModelRelay, authorised: Bool = false) -> [String] {
            var authorise: (@Sendable (RequestHead) async throws -> AccessDecision)?
            if authorised { authorise = { _ in .refuse } }
            do throws(SetupError) {
                _ = try EmbeddedServer(mounts: [relay.mount], authorise: authorise)
                return []
            } catch {
                return error.problems
            }
        }
        #expect(problems(try ModelRelay(upstreams: ["openai"])) == [])
        #expect(problems(try ModelRelay(upstreams: [])).first?.hasPrefix("upstreams: there is none") == true)
        #expect(problems(try ModelRelay(upstreams: ["builtin"])).first?.contains("has no answers here") == true)
        #expect(problems(try ModelRelay(upstreams: ["openai", "openai"])).first?.contains("two are named") == true)
        let own = try ModelRelay(upstreams: ["openai key=env:KEY"], environment: [:])
        #expect(problems(own) == ["upstreams: openai wants its key in KEY, which is not set"])
        let passing = problems(try ModelRelay(upstreams: ["openai"]), authorised: true)
        #expect(passing.first?.contains("called with the caller's own key") == true)
    }

    @Test("Its settings are those of the relay, by their names")
    func settings() throws {
        var relay = try ModelRelay(upstreams: ["openai"])
        try relay.set("relay-answers", to: "5")
        #expect(throws: SetupError.self) { try relay.set("relay-answers", to: "0") }
        #expect(throws: SetupError.self) { try relay.set("port", to: "1") }
        var server = EmbeddedServer.Configuration()
        #expect(throws: SetupError.self) { try server.set("relay-answers", to: "5") }
    }
}
