import Crypto
import Foundation
import Freshet
import FreshetServer
import Testing

@testable import FreshetTokens

@Suite("Tokens that a program makes")
struct TokenMakerTests {
    private let maker: TokenMaker

    init() throws {
        maker = try TokenMaker(secret: Made.secret, issuer: "app", audience: "freshet")
    }

    private func verified(_ grants: [TokenMaker.Grant]) throws -> TokenVerifier.Verified {
        let token = try maker.token(for: "u42", grants, lifetime: .seconds(600))
        return try Made.verifier().verify(token, now: Int64(Date().timeIntervalSince1970))
    }

    @Test("a server takes them, with the rights on the names that were told and on no others")
    func rights() throws {
        let found = try verified([
            .init([.read, .append], on: ["answers/42", "a"]),
            .init(.read, onNamesBeginningWith: ["users/42/", "jobs"]),
        ])
        #expect(found.caller.name == "app#u42")
        for name in ["answers/42", "a", "users/42/x", "jobs", "jobs/1"] { #expect(found.caller.may(.read, name)) }
        for name in ["answers/420", "answers", "users/42", "users/420/x", "job"] {
            #expect(!found.caller.may(.read, name))
        }
        #expect(found.caller.may(.append, "a"))
        #expect(!found.caller.may(.append, "jobs"))
        #expect(!found.caller.may(.delete, "a"))
    }

    @Test("an empty beginning is every stream")
    func everything() throws {
        #expect(try verified([.init(.all, onNamesBeginningWith: [""])]).caller.may(.all, "x/y"))
    }

    @Test("they expire when they were told to")
    func lifetime() throws {
        let token = maker.token(for: nil, [("read", ["a"])], now: Made.now, lifetime: 10)
        let found = try Made.verifier().verify(token, now: Made.now + 9)
        #expect(found.expires == Made.now + 10)
        #expect(Made.trouble(token, try Made.verifier(), now: Made.now + 10) == .expired)
    }

    @Test(
        "what a user calls a stream gives no other: a name that a token would take for a beginning is refused",
        arguments: ["", "users/42/", "users/*", "*", "a*b", "/a", "a//b", "..", "a\n"]
    )
    func names(_ name: String) {
        #expect(throws: SetupError.self) {
            try maker.token(for: "u42", [.init(.read, on: [name])], lifetime: .seconds(1))
        }
    }

    @Test("a beginning that no name has is refused too", arguments: ["/a", "a*", "a*b"])
    func beginnings(_ text: String) {
        #expect(throws: SetupError.self) {
            try maker.token(for: "u42", [.init(.read, onNamesBeginningWith: [text])], lifetime: .seconds(1))
        }
    }

    @Test("a token of nothing, or for no time, is refused")
    func nothing() {
        let some = TokenMaker.Grant(.read, on: ["a"])
        for grants in [[], [.init(.read, on: [])], [.init([], on: ["a"])]] as [[TokenMaker.Grant]] {
            #expect(throws: SetupError.self) { try maker.token(for: nil, grants, lifetime: .seconds(1)) }
        }
        for lifetime in [.zero, .milliseconds(1500), .seconds(TokenMaker.mostSeconds + 1)] as [Duration] {
            #expect(throws: SetupError.self) { try maker.token(for: nil, [some], lifetime: lifetime) }
        }
    }

    @Test("a short secret and a file that is not there are refused, and a secret is not shown")
    func secrets() throws {
        #expect {
            _ = try TokenMaker(secret: Array("short".utf8))
        } throws: {
            "\($0)".contains("5 bytes") && !"\($0)".contains("short")
        }
        #expect(throws: SetupError.self) { try TokenMaker(secretFile: "/nowhere") }
        // One newline is not part of it.
        let fromFile = try Made.withFile(Made.secret + [10]) { try TokenMaker(secretFile: $0) }
        let rights = [(name: "read", patterns: ["a"])]
        let made = try TokenMaker(secret: Made.secret)
        #expect(
            fromFile.token(for: nil, rights, now: 1, lifetime: 1) == made.token(for: nil, rights, now: 1, lifetime: 1)
        )
    }

    @Test("the algorithms that a program can name are those that there are")
    func algorithms() {
        #expect(TokenIssuer.Algorithm.allCases.map(\.rawValue) == TokenAlgorithm.allCases.map(\.rawValue))
    }

    @Test("keys as values check what they fit, by their names, and an issuer's algorithms narrow that")
    func keys() throws {
        let set = Array("{\"keys\":[\(Made.jwk(Made.p256.publicKey, id: "web"))]}".utf8)
        let pem = "kid: pem\n" + Made.p384.publicKey.pemRepresentation
        var issuer = TokenIssuer(
            "app",
            audience: "freshet",
            keys: [.secret(Made.secret, id: "old"), .secret(Made.other, id: "new"), .jwks(set), .pem(pem)]
        )
        func trouble(_ token: String) throws -> TokenTrouble? {
            var problems: [String] = []
            let setting = issuer.setting(&problems)
            #expect(problems == [])
            let known = try KnownIssuer(
                setting,
                issuer.keys.map(\.source),
                time: MovedTime(),
                logger: Made.logger,
                fetch: { _ in { throw CancellationError() } }
            )
            return Made.trouble(token, TokenVerifier(issuers: [known], leeway: 0, needsExpiry: true))
        }
        func hmac(_ id: String, _ secret: [UInt8]) -> String {
            Made.token(header: "{\"alg\":\"HS256\",\"kid\":\"\(id)\"}", secret: secret)
        }
        #expect(try trouble(hmac("old", Made.secret)) == nil && trouble(hmac("new", Made.other)) == nil)
        #expect(try trouble(hmac("old", Made.other)) != nil)
        #expect(try trouble(Made.token()) != nil)
        let web = try Made.token(header: #"{"alg":"ES256","kid":"web"}"#) {
            try Made.p256.signature(for: $0).rawRepresentation
        }
        let pemmed = try Made.token(header: #"{"alg":"ES384","kid":"pem"}"#) {
            try Made.p384.signature(for: $0).rawRepresentation
        }
        #expect(try trouble(web) == nil && trouble(pemmed) == nil)
        issuer.algorithms = [.es256]
        #expect(try trouble(web) == nil && trouble(pemmed) != nil && trouble(hmac("old", Made.secret)) != nil)
    }
}
