import AsyncHTTPClient
import Freshet
import FreshetHummingbird
import FreshetTokens
import NIOCore
import NIOHTTP1
import Testing

@Suite("Signed tokens in a Hummingbird application", .timeLimit(.minutes(10)))
struct SignedTokenTests {
    private static let secret = Array("a-secret-of-at-least-thirty-two-bytes".utf8)
    private static let tokens = SignedTokens.issuers(
        [TokenIssuer("app", audience: "freshet", keys: [.secret(secret)])],
        leeway: .zero
    )

    private static func bearer(lifetime: Int = 600) throws -> (String, String) {
        let maker = try TokenMaker(secret: secret, issuer: "app", audience: "freshet")
        let token = try maker.token(
            for: "u42",
            [.init(.read, on: ["answers/42"])],
            lifetime: .seconds(lifetime)
        )
        return ("Authorization", "Bearer \(token)")
    }

    private func open(
        _ running: RunningApp,
        _ path: String,
        _ header: (String, String)? = nil,
        method: HTTPMethod = .GET
    ) async throws -> HTTPClientResponse {
        var request = HTTPClientRequest(url: running.url + path)
        request.method = method
        if let (name, value) = header { request.headers.add(name: name, value: value) }
        return try await HTTPClient.shared.execute(request, timeout: .seconds(120))
    }

    @Test("what the closure leaves undecided a token or its session decides")
    func undecided() async throws {
        try await RunningApp.with(tokens: Self.tokens, authorise: { _, _ in .undecided }) { running async throws in
            for name in ["answers/42", "answers/420"] { try await running.streams.create(name).append("x") }
            let token = try Self.bearer()
            #expect(try await open(running, "/v1/stream/answers/42", token).status == .ok)
            #expect(try await open(running, "/v1/stream/answers/420", token).status == .forbidden)
            #expect(try await open(running, "/v1/stream/answers/42").status == .unauthorized)
            let wrong = ("Authorization", "Bearer x")
            #expect(try await open(running, "/v1/stream/answers/42", wrong).status == .unauthorized)
            let session = try await open(running, "/v1/session", token, method: .POST)
            #expect(session.status == .noContent)
            let field = try #require(session.headers.first(name: "Set-Cookie"))
            let cookie = ("Cookie", String(field.prefix { $0 != ";" }))
            #expect(try await open(running, "/v1/stream/answers/42", cookie).status == .ok)
            #expect(try await open(running, "/v1/stream/answers/420", cookie).status == .forbidden)
        }
    }

    @Test("what the closure decides is no token's to say")
    func decided() async throws {
        try await RunningApp.with(tokens: Self.tokens, authorise: { _, _ in .refuse }) { running async throws in
            try await running.streams.create("answers/42").append("x")
            #expect(try await open(running, "/v1/stream/answers/42", try Self.bearer()).status == .unauthorized)
        }
    }

    @Test("without tokens what is undecided is refused, and there are no sessions")
    func withoutTokens() async throws {
        try await RunningApp.with(authorise: { _, _ in .undecided }) { running async throws in
            try await running.streams.create("answers/42").append("x")
            #expect(try await open(running, "/v1/stream/answers/42", try Self.bearer()).status == .unauthorized)
            #expect(try await open(running, "/v1/session", try Self.bearer(), method: .POST).status == .notFound)
        }
    }

    @Test("an open read ends when its token expires")
    func expiry() async throws {
        try await RunningApp.with(tokens: Self.tokens, authorise: { _, _ in .undecided }) { running async throws in
            try await running.streams.create("answers/42").append("x")
            // On a busy machine the first may be over before it is shown.
            for lifetime in [2, 10, 60] {
                let response = try await open(
                    running,
                    "/v1/stream/answers/42?as=sse",
                    try Self.bearer(lifetime: lifetime)
                )
                guard response.status == .ok else { continue }
                let text = String(buffer: try await response.body.collect(upTo: 1 << 20))
                #expect(text.contains(#"{"why":"expired"}"#))
                return
            }
            Issue.record("No token was taken before it was over.")
        }
    }
}
