import AsyncHTTPClient
import Foundation
import Freshet
import FreshetTokens
import Locks
import NIOCore
import NIOHTTP1
import Testing

@Suite("Signed tokens of issuers that a program names in code", .timeLimit(.minutes(10)))
struct SignedTokenTests {
    private static let secret = Array("a-secret-of-at-least-thirty-two-bytes".utf8)
    private static let other = Array("another-secret-of-at-least-32-bytes!!".utf8)

    private static func app(_ keys: TokenIssuer.Keys = .secret(secret)) -> TokenIssuer {
        TokenIssuer("app", audience: "freshet", keys: [keys])
    }

    private static func server(
        _ tokens: SignedTokens,
        storage: StreamStorage = .memory,
        _ change: (inout EmbeddedServer.Configuration) -> Void = { _ in },
        authorise: (@Sendable (RequestHead) async throws -> AccessDecision)? = nil
    ) throws -> EmbeddedServer {
        try EmbeddedServerTests.server(change, storage: storage, tokens: tokens, authorise: authorise)
    }

    private static func bearer(
        _ grants: [TokenMaker.Grant] = [.init(.read, on: ["answers/42"])],
        lifetime: Duration = .seconds(600),
        secret: [UInt8] = secret
    ) throws -> [(String, String)] {
        let maker = try TokenMaker(secret: secret, issuer: "app", audience: "freshet")
        return [("Authorization", "Bearer \(try maker.token(for: "u42", grants, lifetime: lifetime))")]
    }

    @Test("A token gives what it says, another's gives nothing, and without one nobody is let in")
    func takes() async throws {
        try await RunningServer.with(try Self.server(.issuers([Self.app()]))) { running async throws in
            try await running.streams.create("answers/42").append("x")
            try await running.streams.create("answers/420").append("x")
            let reader = try Self.bearer()
            #expect(try await running.ask(.GET, "/v1/stream/answers/42", reader).status == 200)
            let elsewhere = try await running.ask(.GET, "/v1/stream/answers/420", reader)
            #expect(elsewhere.status == 403 && elsewhere.body.contains("missing-right"))
            #expect(try await running.ask(.DELETE, "/v1/stream/answers/42", reader).status == 403)
            let forged = try await running.ask(.GET, "/v1/stream/answers/42", try Self.bearer(secret: Self.other))
            #expect(forged.status == 401 && forged.body.contains("wrong-token"))
            let nobody = try await running.ask(.GET, "/v1/stream/answers/42")
            #expect(nobody.status == 401 && nobody.body.contains("no-token"))
            let writer = try Self.bearer([.init([.create, .append], onNamesBeginningWith: ["room/7/"])])
            #expect(try await running.ask(.PUT, "/v1/stream/room/7/a", writer).status == 201)
            #expect(try await running.ask(.PUT, "/v1/stream/room/70", writer).status == 403)
        }
    }

    @Test("An open read ends when its token expires, and its reader is told")
    func expiry() async throws {
        let tokens = SignedTokens.issuers([Self.app()], leeway: .zero)
        try await RunningServer.with(try Self.server(tokens)) { running async throws in
            try await running.streams.create("answers/42").append("x")
            // On a busy machine the first may be over before it is shown.
            for lifetime in [2, 10, 60] as [Int] {
                let token = try Self.bearer(lifetime: .seconds(lifetime))
                let response = try await running.open(.GET, "/v1/stream/answers/42?as=sse", token)
                guard response.status == .ok else { continue }
                let text = String(buffer: try await response.body.collect(upTo: 1 << 20))
                #expect(text.contains("data: x"))
                #expect(text.contains("event: reconnect") && text.contains(#"{"why":"expired"}"#))
                return
            }
            Issue.record("No token was taken before it was over.")
        }
    }

    @Test("A file of keys is read again: what is open by a key that is gone ends, and a broken file changes nothing")
    func newKeys() async throws {
        let file = FileManager.default.temporaryDirectory.appending(path: "freshet-\(UUID().uuidString)")
        defer { try? FileManager.default.removeItem(at: file) }
        try Data(Self.secret + [10]).write(to: file)
        let server = try Self.server(.issuers([Self.app(.secret(file: file.path))]))
        try await RunningServer.with(server) { running async throws in
            try await running.streams.create("answers/42").append("x")
            let (old, new) = (try Self.bearer(), try Self.bearer(secret: Self.other))
            let response = try await running.open(.GET, "/v1/stream/answers/42?as=sse", old)
            #expect(response.status == .ok)
            try Data("short".utf8).write(to: file)
            await #expect(throws: SetupError.self) { try await server.reloadTokenKeys() }
            #expect(try await running.ask(.GET, "/v1/stream/answers/42", old).status == 200)
            try Data(Self.other).write(to: file)
            try await server.reloadTokenKeys()
            let text = String(buffer: try await response.body.collect(upTo: 1 << 20))
            #expect(text.contains(#"{"why":"revoked"}"#))
            #expect(try await running.ask(.GET, "/v1/stream/answers/42", old).status == 401)
            #expect(try await running.ask(.GET, "/v1/stream/answers/42", new).status == 200)
        }
    }

    @Test("A page exchanges its token for a cookie, which another server over the same directory takes")
    func sessions() async throws {
        let directory = FileManager.default.temporaryDirectory.appending(path: "freshet-\(UUID().uuidString)")
        defer { try? FileManager.default.removeItem(at: directory) }
        let cookie = Mutex("")
        for round in 1...2 {
            let server = try Self.server(.issuers([Self.app()]), storage: .directory(directory.path))
            try await RunningServer.with(server) { running async throws in
                if round == 1 {
                    try await running.streams.create("answers/42").append("x")
                    let answer = try await running.ask(.POST, "/v1/session", try Self.bearer())
                    #expect(answer.status == 204)
                    let field = try #require(answer.headers.first(name: "Set-Cookie"))
                    cookie.withLock { $0 = String(field.prefix { $0 != ";" }) }
                }
                let shown = [("Cookie", cookie.withLock(\.self))]
                #expect(try await running.ask(.GET, "/v1/stream/answers/42", shown).status == 200)
                #expect(try await running.ask(.GET, "/v1/stream/answers/43", shown).status == 403)
            }
        }
    }

    @Test("Beside a closure that authorises, tokens and sessions say what it leaves undecided")
    func beside() async throws {
        let server = try Self.server(
            .issuers([Self.app()]),
            authorise: { $0.header("x-user") == "ann" ? .allow("ann", [.init(.read)]) : .undecided }
        )
        try await RunningServer.with(server) { running async throws in
            try await running.streams.create("answers/42").append("x")
            #expect(try await running.ask(.GET, "/v1/stream/answers/42", [("X-User", "ann")]).status == 200)
            #expect(try await running.ask(.GET, "/v1/stream/answers/42", try Self.bearer()).status == 200)
            #expect(try await running.ask(.GET, "/v1/stream/answers/42").status == 401)
            let session = try await running.ask(.POST, "/v1/session", try Self.bearer())
            let cookie = try #require(session.headers.first(name: "Set-Cookie")).prefix { $0 != ";" }
            #expect(try await running.ask(.GET, "/v1/stream/answers/42", [("Cookie", String(cookie))]).status == 200)
        }
    }

    @Test("Templates give rights by claims, and widen nothing")
    func templates() async throws {
        var issuer = Self.app()
        issuer.claim = "rights"
        issuer.templates = [.init([.read, .create], on: "users/{sub}/")]
        try await RunningServer.with(try Self.server(.issuers([issuer]))) { running async throws in
            let maker = try TokenMaker(secret: Self.secret, issuer: "app", audience: "freshet")
            func created(_ subject: String?) async throws -> Int {
                let token = try maker.token(for: subject, [.init(.all, on: ["a"])], lifetime: .seconds(600))
                return try await running.ask(
                    .PUT,
                    "/v1/stream/users/u42/a",
                    [("Authorization", "Bearer \(token)"), ("Content-Type", "text/plain")]
                ).status
            }
            #expect(try await created("u42") == 201)
            for subject in ["u4", "u42/..", "*", "", nil] { #expect(try await created(subject) == 403) }
        }
    }

    @Test("An issuer that cannot be reached is 503 for its tokens, and a server that never runs asks nobody")
    func unreachable() async throws {
        let tokens = SignedTokens.issuers([Self.app(.jwks(url: "http://127.0.0.1:1/keys"))])
        _ = try Self.server(tokens)
        try await RunningServer.with(try Self.server(tokens)) { running async throws in
            let answer = try await running.ask(.GET, "/v1/streams", try Self.bearer())
            #expect(answer.status == 503 && answer.body.contains("issuer-unreachable"))
            let metrics = try await running.ask(.GET, "/metrics")
            #expect(metrics.status == 401)
        }
    }

    /// Issuers, and words of what is said of them.
    private static let wrong: [(issuers: [TokenIssuer], says: String)] = [
        ([], "no issuer"),
        ([app(), app(.secret(other))], "same name"),
        ([TokenIssuer(keys: [.secret(secret)]), TokenIssuer(audience: "x", keys: [.secret(other)])], "same name"),
        ([TokenIssuer("app", audience: "freshet", keys: [])], "no keys"),
        ([TokenIssuer("", audience: "freshet", keys: [.secret(secret)])], "name is empty"),
        ([TokenIssuer("app", audience: "", keys: [.secret(secret)])], "audience is empty"),
        ([app(.secret(Array("short".utf8)))], "5 bytes"),
        ([app(.secret(file: "/nowhere"))], "cannot be read"),
        ([app(.pem("nothing"))], "no public key"),
        ([app(.jwks(Array("{}".utf8)))], "no key set"),
        ([app(.jwks(url: "file:///keys"))], "no URL"),
        (
            [TokenIssuer("app", audience: "freshet", keys: [.jwks(url: "https://a"), .jwks(url: "https://b")])],
            "2 URLs"
        ),
        ([with { $0.claim = "" }], "claim"),
        ([with { $0.templates = [.init(.read, on: "users/{sub}*")] }], "whole segment"),
        ([with { $0.templates = [.init([], on: "users/{sub}/")] }], "no right"),
    ]

    private static func with(_ change: (inout TokenIssuer) -> Void) -> TokenIssuer {
        var issuer = app()
        change(&issuer)
        return issuer
    }

    @Test("What is wrong with an issuer is said when the server is made", arguments: wrong)
    func problems(_ row: (issuers: [TokenIssuer], says: String)) {
        #expect {
            _ = try Self.server(.issuers(row.issuers))
        } throws: {
            "\($0)".contains(row.says)
        }
    }

    @Test("So is a leeway that is none, and a server that is open")
    func settings() {
        for leeway in [.seconds(61), .seconds(-1), .milliseconds(500)] as [Duration] {
            #expect(throws: SetupError.self) { try Self.server(.issuers([Self.app()], leeway: leeway)) }
        }
        #expect {
            _ = try Self.server(.issuers([Self.app()])) { $0.open = true }
        } throws: {
            "\($0)".contains("open:")
        }
    }

    @Test("Beyond loopback tokens are enough")
    func beyondLoopback() throws {
        _ = try Self.server(.issuers([Self.app()])) { $0.host = "0.0.0.0" }
    }
}
