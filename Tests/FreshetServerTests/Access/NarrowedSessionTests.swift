import Foundation
import StreamHTTP
import Testing

@testable import FreshetServer

@Suite("Sessions that are narrower than what they stand for")
struct NarrowedSessionTests {
    /// Tokens of one signer.
    private struct Tokens: TokenAuthenticator {
        var signer: TokenSigner?

        func authenticate(_ request: RouteRequest, _ facts: RequestFacts, now: Int64) -> Authentication { .undecided }
        func isToken(_ word: String, now: Int64) -> Bool { false }
        func knows(_ signer: TokenSigner) -> Bool { signer == self.signer }
    }

    private let signer = TokenSigner(issuer: "app", key: [1, 2, 3])
    private let first = "the-first-secret-of-more-than-32-bytes"
    private let second = "the-second-secret-of-more-than-32-bytes"
    private let line = "web correct-horse-battery read,append chat/\n"

    private func secrets(_ lines: String...) throws -> SessionSecrets {
        try SessionSecrets(parsing: Array(lines.joined(separator: "\n").utf8), file: "secrets")
    }

    private func policy(
        _ secrets: SessionSecrets,
        keys: String? = nil,
        knows: TokenSigner? = nil
    ) throws -> AccessPolicy {
        AccessPolicy(
            boundToLoopback: true,
            hosts: [],
            allowedOrigins: [],
            keys: try keys.map { try KeyRing(parsing: $0, file: "keys") },
            tokens: Tokens(signer: knows),
            sessions: secrets,
            open: false
        )
    }

    private func session(_ grants: Caller.Grant..., name: String = "app#u42") -> NarrowedSession {
        NarrowedSession(.token(signer), caller: Caller(name: name, grants: grants), expires: 100)
    }

    private func cookie(_ value: String) -> String { "theme=dark; \(SessionCookie.name)=\(value)" }

    @Test("what is written is read, names that look like patterns too")
    func roundTrip() throws {
        let secrets = try secrets(first)
        let session = session(
            Caller.Grant(.read, [.named("answers/42"), .named("odd*"), .beginning(with: "users/é/"), .everything]),
            Caller.Grant([.append, .inspect], [.named("room \"7\"")])
        )
        let value = session.value(secrets)
        #expect(NarrowedSession.read(value.utf8, secrets)?.session == session)
        #expect(value.utf8.allSatisfy { 0x21...0x7E ~= $0 && $0 != 0x22 && $0 != 0x2C && $0 != 0x3B && $0 != 0x5C })
    }

    @Test("no byte of it can be another")
    func forged() throws {
        let secrets = try secrets(first)
        let value = Array(session(Caller.Grant(.read, [.named("a")])).value(secrets).utf8)
        for index in value.indices {
            for bit in 0..<7 {
                var other = value
                other[index] ^= 1 << UInt8(bit)
                #expect(NarrowedSession.read(other, secrets) == nil, "byte \(index), bit \(bit)")
            }
        }
        #expect(NarrowedSession.read(value.dropLast(), secrets) == nil)
    }

    @Test("a new secret signs, an old one counts until it is taken out")
    func rotation() throws {
        let session = session(Caller.Grant(.read, [.named("a")]))
        let old = session.value(try secrets(first))
        let both = try secrets(second, "", first, "")
        #expect(NarrowedSession.read(old.utf8, both)?.session == session)
        #expect(session.value(both) == session.value(try secrets(second)))
        #expect(NarrowedSession.read(old.utf8, try secrets(second)) == nil)
    }

    @Test("secrets that are too short, or none, are refused by their line", arguments: ["", "\n\n", "short\n"])
    func secretsThatAreNone(text: String) {
        #expect(throws: KeyFileError.self) { try SessionSecrets(parsing: Array(text.utf8), file: "secrets") }
    }

    @Test("a directory is given a secret once, for its owner alone")
    func directory() throws {
        let directory = FileManager.default.temporaryDirectory.appending(path: "freshet-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: directory) }
        let made = try SessionSecrets(directory: directory.path)
        #expect(try SessionSecrets(directory: directory.path) == made)
        let file = directory.appending(path: "session-secret").path
        #expect(SecretFile.warning(file, what: "The file") == nil)
        #expect(try FileManager.default.contentsOfDirectory(atPath: directory.path) == ["session-secret"])
    }

    @Test("a session of a token ends in its second, and with the key that signed the token")
    func token() throws {
        let secrets = try secrets(first)
        let value = session(Caller.Grant(.read, [.named("answers/42")])).value(secrets)
        let facts = RequestFacts(method: "GET", host: "localhost", cookie: cookie(value))
        let known = try policy(secrets, knows: signer)
        let admission = try known.identify(facts, now: 99).get()
        #expect(admission.credential == .cookie && admission.signer == signer && admission.expires == 100)
        #expect(known.authorise(admission, .read, stream: "answers/42") == nil)
        #expect(known.authorise(admission, .read, stream: "answers/420")?.code == "missing-right")
        #expect(throws: Problem.self) { try known.identify(facts, now: 100).get() }
        #expect(throws: Problem.self) { try policy(secrets).identify(facts, now: 99).get() }
        #expect(known.isSecret(value, now: 99))
    }

    @Test("a session of a key never has more than the key has now, and ends with it")
    func key() throws {
        let secrets = try secrets(first)
        let before = try policy(secrets, keys: line)
        let key = try #require(before.keys?.keys.first)
        let wanted = Caller(name: "web", grants: [Caller.Grant(.read, [.named("chat/1"), .named("logs/1")])])
        let basis = NarrowedSession.Basis.key(digest: NarrowedSession.digest(of: key))
        let value = NarrowedSession(basis, caller: wanted, expires: 100).value(secrets)
        let facts = RequestFacts(method: "GET", host: "localhost", cookie: cookie(value))
        let admission = try before.identify(facts, now: 0).get()
        #expect(admission.caller.may(.read, "chat/1"))
        #expect(!admission.caller.may(.read, "logs/1") && !admission.caller.may(.read, "chat/2"))
        #expect(!admission.caller.may(.append, "chat/1"))
        let narrower = try policy(secrets, keys: "web correct-horse-battery append chat/\n")
        let less = try #require(narrower.renewed(admission))
        #expect(less.caller.grants.isEmpty)
        let wider = try policy(secrets, keys: "web correct-horse-battery all *\n")
        let more = try #require(wider.renewed(admission))
        #expect(more.caller.may(.read, "logs/1") && !more.caller.may(.read, "logs/2"))
        let other = try policy(secrets, keys: "web another-key-of-that-name read chat/\n")
        #expect(other.renewed(admission) == nil)
        #expect(throws: Problem.self) { try other.identify(facts, now: 0).get() }
    }

    @Test("a session ends with the secret that signed it, and not while that is one of several")
    func secretTakenOut() throws {
        let value = session(Caller.Grant(.read, [.named("a")])).value(try secrets(first))
        let facts = RequestFacts(method: "GET", host: "localhost", cookie: cookie(value))
        let admission = try policy(secrets(first), keys: line, knows: signer).identify(facts, now: 0).get()
        #expect(try policy(secrets(second, first), keys: line, knows: signer).renewed(admission) == admission)
        #expect(try policy(secrets(second), keys: line, knows: signer).renewed(admission) == nil)
        // What no such secret signed does not ask for one.
        let key = RequestFacts(method: "GET", host: "localhost", authorization: "Bearer correct-horse-battery")
        let other = try policy(secrets(first), keys: line).identify(key, now: 0).get()
        #expect(try policy(secrets(second), keys: line).renewed(other) == other)
    }

    @Test("a session of an issuer that is another by now is none")
    func otherIssuer() throws {
        let secrets = try secrets(first)
        let value = session(Caller.Grant(.read, [.named("a")])).value(secrets)
        let facts = RequestFacts(method: "GET", host: "localhost", cookie: cookie(value))
        for other in [TokenSigner(issuer: "shop", key: signer.key), TokenSigner(issuer: nil, key: signer.key)] {
            #expect(throws: Problem.self) { try policy(secrets, knows: other).identify(facts, now: 0).get() }
        }
    }

    @Test("what is in two patterns is what both of them cover, and a pattern contains what it covers all of")
    func patterns() throws {
        let patterns = try ["*", "a", "a/", "a/b", "a/b/", "a*", "b"].map { try StreamPrefix(pattern: $0) }
        let names = ["a", "a/", "a/b", "a/b/", "a/b/c", "a/bc", "ab", "b", "c"]
        for one in patterns {
            for other in patterns {
                let both = names.filter { one.covers($0) && other.covers($0) }
                #expect(names.filter { one.intersection(other)?.covers($0) ?? false } == both, "\(one) \(other)")
                let isWithin = names.filter(other.covers).allSatisfy(one.covers)
                if one.contains(other) { #expect(isWithin, "\(one) \(other)") }
            }
        }
        #expect(!(try StreamPrefix(pattern: "a/b")).contains(try StreamPrefix(pattern: "a/b/")))
        #expect(!(try StreamPrefix(pattern: "a")).contains(try StreamPrefix(pattern: "a*")))
    }

    @Test(
        "a wrong wish is refused for what is wrong",
        arguments: [
            ("", "JSON"), ("[]", "JSON"), (#"{"raed":["a"]}"#, "no right"), (#"{"read":"a"}"#, "list"),
            (#"{"read":[]}"#, "list"), (#"{"read":false}"#, "true"), (#"{"read":[1]}"#, "no name"),
            (#"{"read":["a*b"]}"#, "wrong name"),
            (#"{"read":["a"],"read":["b"]}"#, "twice"), (#"{"for":0}"#, "seconds"), (#"{"for":"10m"}"#, "seconds"),
        ]
    )
    func wishes(text: String, says: String) {
        do throws(Refusal) {
            _ = try SessionWish(parsing: Array(text.utf8))
            Issue.record("\(text) was taken")
        } catch {
            #expect(error.reason.contains(says), "\(error.reason)")
        }
    }
}
