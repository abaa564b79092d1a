import Crypto
import Foundation
import FreshetServer
import StreamCore
import StreamHTTP
import Testing

@testable import FreshetTokens

@Suite("Files of keys that are read again")
struct KeysReadAgainTests {
    private let file = FileManager.default.temporaryDirectory.appending(path: "freshet-\(UUID().uuidString)")
    private let time = MovedTime()

    private func write(_ bytes: [UInt8]) throws { try Data(bytes).write(to: file) }

    private func authenticator(_ kind: String = "secret-file") throws -> SignedTokenAuthenticator {
        let issuer = try Made.issuer(Made.setting("issuer=app audience=freshet \(kind)=\(file.path)"))
        let verifier = TokenVerifier(issuers: [issuer], leeway: 0, needsExpiry: true)
        return SignedTokenAuthenticator(verifier, time: time)
    }

    /// Who is let in by a token; nil for nobody.
    private func admission(_ token: String, _ made: SignedTokenAuthenticator) -> Admission? {
        let head = RequestHead(method: .GET, uri: "/v1/stream/a")
        let facts = ConnectionFacts(address: "a", refusal: nil, isDraining: false)
        let request = RouteRequest(head: head, target: RequestTarget(head.uri), facts: facts)
        var shown = RequestFacts(head)
        shown.authorization = "Bearer \(token)"
        guard case .admitted(let admission) = made.authenticate(request, shown, now: Made.now) else { return nil }
        return admission
    }

    @Test("a new secret takes the place of the old one, whose tokens count no more though they did before")
    func secret() throws {
        try write(Made.secret)
        defer { try? FileManager.default.removeItem(at: file) }
        let made = try authenticator()
        let (old, new) = (Made.token(), Made.token(secret: Made.other))
        let open = try #require(admission(old, made))
        #expect(admission(new, made) == nil)
        try write(Made.other)
        let keys = try made.readKeys(logger: Made.logger)
        // Nothing changes by looking.
        #expect(admission(old, made) == open && made.renewed(open) == open)
        made.replaceKeys(with: keys)
        #expect(admission(old, made) == nil && made.renewed(open) == nil)
        #expect(admission(new, made) != nil)
    }

    @Test("what stays in a key set goes on, what is taken out of it or gets another name does not")
    func keySet() throws {
        let (one, two) = (P256.Signing.PrivateKey(), P256.Signing.PrivateKey())
        func set(_ keys: String...) -> [UInt8] { Array("{\"keys\":[\(keys.joined(separator: ","))]}".utf8) }
        func token(_ key: P256.Signing.PrivateKey, _ id: String) throws -> String {
            try Made.token(header: "{\"alg\":\"ES256\",\"kid\":\"\(id)\"}") {
                try key.signature(for: $0).rawRepresentation
            }
        }
        try write(set(Made.jwk(one.publicKey, id: "one"), Made.jwk(two.publicKey, id: "two")))
        defer { try? FileManager.default.removeItem(at: file) }
        let made = try authenticator("jwks")
        let ofOne = try #require(admission(try token(one, "one"), made))
        let ofTwo = try #require(admission(try token(two, "two"), made))
        try write(set(Made.jwk(two.publicKey, id: "two")))
        made.replaceKeys(with: try made.readKeys(logger: Made.logger))
        #expect(made.renewed(ofOne) == nil && made.renewed(ofTwo) == ofTwo)
        try write(set(Made.jwk(two.publicKey, id: "renamed")))
        made.replaceKeys(with: try made.readKeys(logger: Made.logger))
        #expect(made.renewed(ofTwo) == nil)
    }

    @Test("a broken file is named, and changes nothing")
    func broken() throws {
        try write(Made.secret)
        defer { try? FileManager.default.removeItem(at: file) }
        let made = try authenticator()
        let token = Made.token()
        let open = try #require(admission(token, made))
        try write(Array("short".utf8))
        #expect {
            _ = try made.readKeys(logger: Made.logger)
        } throws: {
            ($0 as? KeysTrouble)?.place == file.path
        }
        #expect(admission(token, made) == open && made.renewed(open) == open)
    }

    @Test("a credential that is no token of its own stays as it is")
    func others() throws {
        try write(Made.secret)
        defer { try? FileManager.default.removeItem(at: file) }
        let key = Admission(caller: Caller(name: "web", grants: []), credential: .bearer, keyDigest: [1])
        #expect(try authenticator().renewed(key) == key)
    }
}
