import Crypto
import Foundation
import FreshetServer
import Locks
import StreamCore
import StreamHTTP
import Testing
import TextCodecs

@testable import FreshetTokens

@Suite("The keys behind a URL")
struct RemoteKeysTests {
    /// An issuer whose answers a test sets, and how often it was asked.
    private final class Issuer: Sendable {
        struct Down: Error {}

        let answer = Mutex<(body: String, age: Int?)?>(nil)
        let asked = Mutex(0)

        func get() throws -> (body: [UInt8], maximumAge: Int?) {
            asked.withLock { $0 += 1 }
            guard let (body, age) = answer.withLock(\.self) else { throw Down() }
            return (Array(body.utf8), age)
        }

        func answers(_ keys: String..., age: Int? = nil) {
            answer.withLock { $0 = ("{\"keys\":[\(keys.joined(separator: ","))]}", age) }
        }
    }

    private let issuer = Issuer()
    private let time = MovedTime()
    private let old = P256.Signing.PrivateKey()
    private let new = P256.Signing.PrivateKey()

    private var oldKey: String { Made.jwk(old.publicKey, id: "old") }
    private var newKey: String { Made.jwk(new.publicKey, id: "new") }

    private func authenticator() async throws -> SignedTokenAuthenticator {
        let found = try KnownIssuer(
            Made.setting("issuer=app audience=freshet jwks=https://app.example/keys"),
            time: time,
            logger: Made.logger
        ) { _ in { [issuer] in try issuer.get() } }
        let made = SignedTokenAuthenticator(
            TokenVerifier(issuers: [found], leeway: 0, needsExpiry: true),
            time: time
        )
        await made.start()
        return made
    }

    private func token(_ key: P256.Signing.PrivateKey, _ id: String, _ more: String = "") throws -> String {
        let claims = #""iss":"app","aud":"freshet","exp":1100000,"freshet":{"read":["*"]}"# + more
        return try Made.token(header: "{\"alg\":\"ES256\",\"kid\":\"\(id)\"}", claims: claims) {
            try key.signature(for: $0).rawRepresentation
        }
    }

    /// The code of the refusal; nil for who is let in. And whether it took a fetch.
    private func outcome(_ token: String, _ made: SignedTokenAuthenticator) async -> (code: String?, waited: Bool) {
        let head = RequestHead(method: .GET, uri: "/v1/stream/a")
        let facts = ConnectionFacts(address: "a", refusal: nil, isDraining: false)
        let request = RouteRequest(head: head, target: RequestTarget(head.uri), facts: facts)
        var shown = RequestFacts(head)
        shown.authorization = "Bearer \(token)"
        var result = made.authenticate(request, shown, now: Int64(time.wallMilliseconds() / 1000))
        var waited = false
        while case .later(let work) = result {
            waited = true
            result = await work()
        }
        switch result {
        case .admitted: return (nil, waited)
        case .refused(let problem): return (problem.code, waited)
        case .undecided, .later: return ("undecided", waited)
        }
    }

    private func wasAsked() -> Int { issuer.asked.withLock(\.self) }

    @Test("a new key is fetched for the first token that names it, and at most once in 30 seconds")
    func rotation() async throws {
        issuer.answers(oldKey)
        let made = try await authenticator()
        #expect(await outcome(try token(old, "old"), made) == (nil, false))
        issuer.answers(newKey)
        #expect(await outcome(try token(new, "new"), made) == (nil, true))
        #expect(wasAsked() == 2)
        // What the issuer has taken back counts no more, though it was found right before.
        #expect(await outcome(try token(old, "old"), made) == ("wrong-token", false))
        #expect(await outcome(try token(new, "newer"), made) == ("wrong-token", false))
        time.move(by: .seconds(29))
        #expect(await outcome(try token(new, "newer"), made) == ("wrong-token", false))
        #expect(wasAsked() == 2)
        time.move(by: .seconds(1))
        #expect(await outcome(try token(new, "newer"), made) == ("wrong-token", true))
        #expect(wasAsked() == 3)
        #expect(await outcome(try token(new, "new"), made) == (nil, false))
    }

    @Test("no key is fetched for a token that is wrong by itself")
    func wrongByItself() async throws {
        issuer.answers(oldKey)
        let made = try await authenticator()
        issuer.answers(oldKey, newKey)
        for more in [#","crit":["exp"]"#, #","b64":false"#, #","jwk":{"kty":"EC"}"#, #","kid":"new""#] {
            let header = "{\"alg\":\"ES256\",\"kid\":\"new\"\(more)}"
            let claims = #""iss":"app","aud":"freshet","exp":1100000,"freshet":{"read":["*"]}"#
            let wrong = try Made.token(header: header, claims: claims) { try new.signature(for: $0).rawRepresentation }
            #expect(await outcome(wrong, made) == ("wrong-token", false))
        }
        #expect(wasAsked() == 1)
        #expect(await outcome(try token(new, "new"), made) == (nil, true))
    }

    @Test("an issuer that dies or lies keeps the keys that it had")
    func failure() async throws {
        issuer.answers(oldKey)
        let made = try await authenticator()
        for body in [nil, "<html>", "{}", "[]", "{\"keys\":{}}", "{\"keys\":[7]}", "{\"keys\":[{}]}"] {
            issuer.answer.withLock { $0 = body.map { ($0, nil) } }
            #expect(await outcome(try token(new, "new"), made) == ("wrong-token", true))
            #expect(await outcome(try token(old, "old"), made) == (nil, false))
            time.move(by: .seconds(31))
        }
        let counts = await made.metrics()[0].samples.map(\.value)
        #expect(counts[0] == 1 && counts[1] >= 7, "\(counts)")
        #expect(await without(made) == 0)
    }

    /// How many issuers the metrics tell of that have no keys.
    private func without(_ made: SignedTokenAuthenticator) async -> Double? {
        await made.metrics().first { $0.name == "freshet_issuers_without_keys" }?.samples.first?.value
    }

    @Test(
        "an issuer that publishes no keys, or none that are understood, has taken its keys back",
        arguments: ["{\"keys\":[]}", "{\"keys\":[{\"kty\":\"AKP\"}]}"]
    )
    func takenBack(_ set: String) async throws {
        issuer.answers(oldKey, age: 60)
        let made = try await authenticator()
        #expect(await outcome(try token(old, "old"), made) == (nil, false))
        let open = try #require(admission(try token(old, "old"), made))
        #expect(await without(made) == 0)
        issuer.answer.withLock { $0 = (set, 60) }
        #expect(await outcome(try token(new, "new"), made) == ("wrong-token", true))
        // What was found right before counts no more, and nobody is told that the issuer cannot be reached.
        #expect(await outcome(try token(old, "old"), made) == ("wrong-token", false))
        #expect(made.renewed(open) == nil)
        #expect(await without(made) == 1)
        #expect(await made.metrics()[0].samples.map(\.value) == [2, 0])
        issuer.answers(newKey)
        time.move(by: .seconds(30))
        #expect(await outcome(try token(new, "new"), made) == (nil, true))
        #expect(await without(made) == 0)
    }

    @Test("an issuer that has published no key yet is not one that cannot be reached")
    func nothingPublishedYet() async throws {
        issuer.answers()
        let made = try await authenticator()
        #expect(await outcome(try token(old, "old"), made) == ("wrong-token", true))
        #expect(await without(made) == 1)
    }

    /// Who is let in at once by a token; nil for nobody.
    private func admission(_ token: String, _ made: SignedTokenAuthenticator) -> Admission? {
        let head = RequestHead(method: .GET, uri: "/v1/stream/a")
        let facts = ConnectionFacts(address: "a", refusal: nil, isDraining: false)
        let request = RouteRequest(head: head, target: RequestTarget(head.uri), facts: facts)
        var shown = RequestFacts(head)
        shown.authorization = "Bearer \(token)"
        let now = Int64(time.wallMilliseconds() / 1000)
        guard case .admitted(let admission) = made.authenticate(request, shown, now: now) else { return nil }
        return admission
    }

    @Test("without any keys yet a token is not wrong, and is taken when they come")
    func noKeysYet() async throws {
        let made = try await authenticator()
        #expect(await outcome(try token(old, "old"), made) == ("issuer-unreachable", true))
        #expect(await outcome(try token(old, "old"), made) == ("issuer-unreachable", false))
        issuer.answers(oldKey)
        time.move(by: .seconds(30))
        #expect(await outcome(try token(old, "old"), made) == (nil, true))
    }

    @Test("stale keys are fetched anew, and nobody waits for that")
    func stale() async throws {
        issuer.answers(oldKey, age: 120)
        let made = try await authenticator()
        issuer.answers(newKey, age: 120)
        time.move(by: .seconds(119))
        #expect(await outcome(try token(old, "old"), made) == (nil, false))
        #expect(wasAsked() == 1)
        time.move(by: .seconds(1))
        // Another one, which is not remembered: a fetch begins.
        #expect(await outcome(try token(old, "old", ",\"jti\":\"2\""), made) == (nil, false))
        while wasAsked() < 2 { await Task.yield() }
        while await outcome(try token(new, "new"), made).code != nil { await Task.yield() }
    }

    @Test("a token that was found right, and is the only one that comes, has stale keys fetched anew too")
    func staleForKnown() async throws {
        issuer.answers(oldKey, age: 120)
        let made = try await authenticator()
        let token = try token(old, "old")
        #expect(await outcome(token, made) == (nil, false))
        issuer.answers(newKey, age: 120)
        time.move(by: .seconds(120))
        #expect(await outcome(token, made) == (nil, false))
        while wasAsked() < 2 { await Task.yield() }
        // What the issuer has taken back counts no more, as soon as that is known.
        while await outcome(token, made).code == nil { await Task.yield() }
        #expect(await outcome(token, made).code == "wrong-token")
    }

    @Test("a token that was found right is taken until it expires")
    func expiry() async throws {
        issuer.answers(oldKey, age: 86_400)
        let made = try await authenticator()
        let token = try token(old, "old")
        #expect(await outcome(token, made) == (nil, false))
        #expect(made.isToken(token, now: 1_099_999))
        time.move(by: .seconds(100_000))
        #expect(await outcome(token, made).code == "expired-token")
        #expect(!made.isToken(token, now: 1_100_000))
    }

    @Test("what has not the form of a token is for the next to say")
    func form() async throws {
        issuer.answers(oldKey)
        let made = try await authenticator()
        for other in ["a-key-of-sixteen-characters", "a.b.c", "abcd.efgh.ijkl", "eyJ9.x"] {
            #expect(await outcome(other, made).code == "undecided")
        }
        #expect(await outcome("eyJh.e30.AA", made).code == "wrong-token")
    }

    @Test("few tokens are remembered, and those that are asked for stay")
    func bounded() throws {
        let tokens = VerifiedTokens(size: 10)
        let found = try Made.verifier().verify(Made.token(), now: Made.now)
        tokens.keep(found, for: "used")
        for index in 0..<1000 {
            tokens.keep(found, for: "\(index)")
            #expect(tokens["used"] != nil)
            #expect(tokens.count <= 20)
        }
        #expect(tokens["0"] == nil)
    }

    @Test(
        "Cache-Control says when they are stale",
        arguments: [
            ([], nil), (["max-age=60"], 60), (["public", "Max-Age=60", "max-age=30"], 30),
            (["no-store", "max-age=60"], 0),
            (["max-age=x"], nil), (["max-age=-1"], nil),
        ] as [([String], Int?)]
    )
    func maximumAge(_ directives: [String], _ age: Int?) {
        #expect(KeySetDownload.maximumAge(directives) == age)
    }
}
