import Crypto
import CryptoExtras
import Foundation
import FreshetServer
import Testing
import TextCodecs

@testable import FreshetTokens

@Suite("Tokens, right and wrong")
struct TokenVerifierTests {
    @Test("a right one gives its subject, its rights on whole names and prefixes, and its end")
    func right() throws {
        let found = try Made.verifier(leeway: 5).verify(Made.token(), now: Made.now)
        #expect(found.caller.name == "app#u42")
        #expect(found.expires == 1_000_015)
        #expect(found.caller.may(.read, "answers/42"))
        #expect(!found.caller.may(.read, "answers/420"))
        #expect(!found.caller.may(.append, "answers/42"))
        #expect(found.caller.may(.read, "users/42/x"))
        #expect(!found.caller.may(.read, "users/42"))
    }

    private static func with(_ more: String) -> String { Made.claims + "," + more }

    /// A table: the header, the claims, and words of what is said of it; none for one that is taken.
    private static let table: [(header: String, claims: String, says: String?)] = [
        (#"{"alg":"HS256","typ":"JWT"}"#, Made.claims, nil),
        (#"{"alg":"none"}"#, Made.claims, "algorithm"),
        (#"{"alg":"hs256"}"#, Made.claims, "algorithm"),
        (#"{"alg":"HS512"}"#, Made.claims, "signature"),
        (#"{"alg":"RS256"}"#, Made.claims, "no key that its algorithm"),
        (#"{"typ":"JWT"}"#, Made.claims, "algorithm"),
        (#"{"alg":"HS256","alg":"HS256"}"#, Made.claims, "twice"),
        (#"{"alg":"HS256","alg":"none"}"#, Made.claims, "twice"),
        (#"{"alg":"HS256","crit":["exp"]}"#, Made.claims, "crit"),
        (#"{"alg":"HS256","crit":1}"#, Made.claims, "crit"),
        (#"{"alg":"HS256","b64":false}"#, Made.claims, "b64"),
        (#"{"alg":"HS256","jwk":{"kty":"oct","k":"AAAA"}}"#, Made.claims, "nested"),
        (#"{"alg":"HS256","kid":"other"}"#, Made.claims, "kid"),
        (#"{"alg":"HS256","kid":7}"#, Made.claims, "kid"),
        (#"["alg"]"#, Made.claims, "header"),
        ("nonsense", Made.claims, "header"),
        (#"{"alg":"HS256"}"#, "", "iss"),
        (#"{"alg":"HS256"}"#, #""iss":"evil","aud":"freshet","exp":1000010"#, "iss"),
        (#"{"alg":"HS256"}"#, #""iss":["app"],"aud":"freshet","exp":1000010"#, "iss"),
        (#"{"alg":"HS256"}"#, #""iss":"app","exp":1000010"#, "aud"),
        (#"{"alg":"HS256"}"#, #""iss":"app","aud":"other","exp":1000010"#, "aud"),
        (#"{"alg":"HS256"}"#, #""iss":"app","aud":["other","third"],"exp":1000010"#, "aud"),
        (#"{"alg":"HS256"}"#, #""iss":"app","aud":["other","freshet"],"exp":1000010"#, nil),
        (#"{"alg":"HS256"}"#, #""iss":"app","aud":"freshet""#, "exp"),
        (#"{"alg":"HS256"}"#, #""iss":"app","aud":"freshet","exp":"1000010""#, "exp"),
        (#"{"alg":"HS256"}"#, #""iss":"app","aud":"freshet","exp":1e400"#, "exp"),
        (#"{"alg":"HS256"}"#, #""iss":"app","aud":"freshet","exp":1000000"#, "expired"),
        (#"{"alg":"HS256"}"#, #""iss":"app","aud":"freshet","exp":999999"#, "expired"),
        (#"{"alg":"HS256"}"#, #""iss":"app","aud":"freshet","exp":1000000.9"#, "expired"),
        (#"{"alg":"HS256"}"#, #""iss":"app","aud":"freshet","exp":1000001"#, nil),
        (#"{"alg":"HS256"}"#, with(#""nbf":1000001"#), "nbf"),
        (#"{"alg":"HS256"}"#, with(#""nbf":1000000"#), nil),
        (#"{"alg":"HS256"}"#, with(#""nbf":"soon""#), "nbf"),
        (#"{"alg":"HS256"}"#, with(#""sub":"u43""#), "twice"),
        (#"{"alg":"HS256"}"#, with(#""s\u0075b":"u43""#), "twice"),
        (#"{"alg":"HS256"}"#, Made.claims + "}", "claims"),
        (#"{"alg":"HS256"}"#, #""iss":"app","aud":"freshet","exp":1000010,"freshet":["read"]"#, "no object"),
        (#"{"alg":"HS256"}"#, #""iss":"app","aud":"freshet","exp":1000010,"freshet":{"read":"a"}"#, "list"),
        (#"{"alg":"HS256"}"#, #""iss":"app","aud":"freshet","exp":1000010,"freshet":{"read":["a",1]}"#, "list"),
        (#"{"alg":"HS256"}"#, #""iss":"app","aud":"freshet","exp":1000010,"freshet":{"raed":["a"]}"#, "no right"),
        (#"{"alg":"HS256"}"#, #""iss":"app","aud":"freshet","exp":1000010,"freshet":{"read":["a*b"]}"#, "wrong name"),
        (#"{"alg":"HS256"}"#, #""iss":"app","aud":"freshet","exp":1000010,"freshet":{"read":[""]}"#, "wrong name"),
        (
            #"{"alg":"HS256"}"#,
            #""iss":"app","aud":"freshet","exp":1000010,"freshet":{"read":["a"],"read":["*"]}"#, "twice"
        ),
        (#"{"alg":"HS256"}"#, with("\"big\":\"\(String(repeating: "x", count: 65_536))\""), "longer"),
    ]

    @Test("each wrong one is refused for what is wrong with it", arguments: table)
    func oneByOne(_ row: (header: String, claims: String, says: String?)) throws {
        let trouble = Made.trouble(Made.token(row.claims, header: row.header), try Made.verifier())
        guard let says = row.says else {
            #expect(trouble == nil)
            return
        }
        #expect(trouble?.reason.contains(says) == true, "\(String(describing: trouble))")
    }

    /// Headers and claims that are wrong by themselves, and words of what is said of them.
    private static let wrongByThemselves: [(header: String, claims: String, says: String)] = [
        (#"{"alg":"none"}"#, Made.claims, "algorithm"), (#"{"alg":"HS257"}"#, Made.claims, "algorithm"),
        (#"{"alg":"HS256","crit":["exp"]}"#, Made.claims, "crit"),
        (#"{"alg":"HS256","b64":false}"#, Made.claims, "b64"),
        (#"{"alg":"HS256","jwk":{"kty":"oct","k":"AAAA"}}"#, Made.claims, "nested"),
        (#"{"alg":"HS256","alg":"HS256"}"#, Made.claims, "says something twice"),
        (#"{"alg":"HS256"}"#, with(#""sub":"u43""#), "say something twice"),
    ]

    @Test("what is wrong by itself is refused before a key or a signature is looked at", arguments: wrongByThemselves)
    func beforeTheSignature(_ row: (header: String, claims: String, says: String)) throws {
        // Of a signature that is looked at something else is said.
        let verifier = try Made.verifier()
        #expect(Made.trouble(Made.token(secret: Made.other), verifier)?.reason.contains("signature") == true)
        let forged = Made.token(row.claims, header: row.header, secret: Made.other)
        #expect(Made.trouble(forged, verifier)?.reason.contains(row.says) == true)
        // So it is of a key that is not known.
        let named = row.header.replacing("{", with: #"{"kid":"unknown","#, maxReplacements: 1)
        let nameless = #"{"alg":"HS256","kid":"unknown"}"#
        #expect(Made.trouble(Made.token(header: nameless), verifier)?.reason.contains("kid") == true)
        #expect(Made.trouble(Made.token(row.claims, header: named), verifier)?.reason.contains(row.says) == true)
    }

    @Test("neither another secret's signature, a changed one, nor none")
    func signatures() throws {
        let verifier = try Made.verifier()
        #expect(Made.trouble(Made.token(secret: Made.other), verifier)?.reason.contains("signature") == true)
        let token = Made.token()
        let unsigned = token.prefix(through: token.lastIndex(of: ".") ?? token.startIndex)
        #expect(Made.trouble(String(unsigned), verifier)?.reason.contains("signature") == true)
        #expect(Made.trouble(token + "=", verifier) != nil)
        #expect(Made.trouble(token + ".x", verifier)?.reason.contains("three parts") == true)
        #expect(Made.trouble(token.replacing(".", with: " ."), verifier) != nil)
        // The last character of 32 bytes has two bits that mean nothing: they must be none.
        let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_")
        let end = try #require(token.last)
        let last = try #require(alphabet.firstIndex(of: end))
        #expect(Made.trouble(token.dropLast() + String(alphabet[last + 1]), verifier) != nil)
    }

    @Test("a public key is no secret: what is signed with its text is refused")
    func confusion() throws {
        let pem = Made.rsa.publicKey.pemRepresentation
        let verifier = try Made.verifier(kind: "keys", holding: Array(pem.utf8))
        for text in [pem, pem + "\n", pem.trimmingCharacters(in: .newlines)] {
            let forged = Made.token(secret: Array(text.utf8))
            #expect(Made.trouble(forged, verifier)?.reason.contains("no key that its algorithm") == true)
        }
        #expect(throws: KeysTrouble.self) { try Made.verifier(holding: Array(pem.utf8)) }
    }

    @Test("every kind of key checks its own algorithms and no other")
    func kinds() throws {
        let keys: [(pem: String, sign: [String: (Data) throws -> [UInt8]])] = [
            (
                Made.rsa.publicKey.pemRepresentation,
                [
                    "RS256": {
                        try Array(Made.rsa.signature(for: $0, padding: .insecurePKCS1v1_5).rawRepresentation)
                    },
                    "PS256": { try Array(Made.rsa.signature(for: $0, padding: .PSS).rawRepresentation) },
                ]
            ),
            (
                Made.p256.publicKey.pemRepresentation,
                ["ES256": { try Array(Made.p256.signature(for: $0).rawRepresentation) }]
            ),
            (
                Made.p384.publicKey.pemRepresentation,
                ["ES384": { try Array(Made.p384.signature(for: $0).rawRepresentation) }]
            ),
            (
                "-----BEGIN PUBLIC KEY-----\n"
                    + (Data([0x30, 0x2A, 0x30, 0x05, 0x06, 0x03, 0x2B, 0x65, 0x70, 0x03, 0x21, 0x00])
                    + Made.ed25519.publicKey.rawRepresentation).base64EncodedString()
                    + "\n-----END PUBLIC KEY-----",
                [
                    "EdDSA": { try Array(Made.ed25519.signature(for: $0)) },
                    "Ed25519": { try Array(Made.ed25519.signature(for: $0)) },
                ]
            ),
        ]
        for (own, key) in keys.enumerated() {
            let verifier = try Made.verifier(kind: "keys", holding: Array(key.pem.utf8))
            for (index, other) in keys.enumerated() {
                for (algorithm, sign) in other.sign {
                    let token = try Made.token(header: "{\"alg\":\"\(algorithm)\"}", sign: sign)
                    #expect((Made.trouble(token, verifier) == nil) == (index == own), "\(algorithm) by key \(own)")
                    // A right signature under a name that is not its own.
                    let names = ["RS256", "PS256", "ES256", "ES384", "EdDSA", "HS256"]
                    for name in names where name != algorithm && !(algorithm == "Ed25519" && name == "EdDSA") {
                        let renamed = try Made.token(header: "{\"alg\":\"\(name)\"}", sign: sign)
                        #expect(Made.trouble(renamed, verifier) != nil)
                    }
                }
            }
        }
    }

    @Test("a secret signs by three algorithms, unless the issuer uses fewer")
    func secrets() throws {
        let key = SymmetricKey(data: Made.secret)
        let sign: [(String, (Data) -> [UInt8])] = [
            ("HS256", { Array(HMAC<SHA256>.authenticationCode(for: $0, using: key)) }),
            ("HS384", { Array(HMAC<SHA384>.authenticationCode(for: $0, using: key)) }),
            ("HS512", { Array(HMAC<SHA512>.authenticationCode(for: $0, using: key)) }),
        ]
        let (all, one) = (
            try Made.verifier(), try Made.verifier("issuer=app audience=freshet algorithms=HS384")
        )
        for (algorithm, sign) in sign {
            let token = Made.token(header: "{\"alg\":\"\(algorithm)\"}", sign: sign)
            #expect(Made.trouble(token, all) == nil)
            #expect((Made.trouble(token, one) == nil) == (algorithm == "HS384"))
        }
    }

    @Test("several keys are told apart by their names, and one without a name by nothing")
    func names() throws {
        let (one, two) = (P256.Signing.PrivateKey(), P256.Signing.PrivateKey())
        let pem = "kid: one\n\(one.publicKey.pemRepresentation)\r\nkid: two\n\(two.publicKey.pemRepresentation)\n"
        let verifier = try Made.verifier(kind: "keys", holding: Array(pem.utf8))
        func says(_ id: String?, by key: P256.Signing.PrivateKey) throws -> String? {
            let header = "{\"alg\":\"ES256\"\(id.map { ",\"kid\":\"\($0)\"" } ?? "")}"
            let token = try Made.token(header: header) { try key.signature(for: $0).rawRepresentation }
            return Made.trouble(token, verifier)?.reason
        }
        #expect(try says("one", by: one) == nil)
        #expect(try says("two", by: two) == nil)
        #expect(try says("one", by: two)?.contains("signature") == true)
        #expect(try says("three", by: one)?.contains("not known") == true)
        #expect(try says(nil, by: one)?.contains("several") == true)
    }

    @Test("a token is checked by the keys of the issuer that it names alone")
    func issuers() throws {
        let issuers = try [("app", Made.secret), ("shop", Made.other)].map { name, secret in
            try Made.withFile(secret) {
                try Made.issuer(Made.setting("issuer=\(name) audience=freshet secret-file=\($0)"))
            }
        }
        let verifier = TokenVerifier(issuers: issuers, leeway: 0, needsExpiry: true)
        let shop = Made.claims.replacing("app", with: "shop")
        #expect(Made.trouble(Made.token(), verifier) == nil)
        #expect(Made.trouble(Made.token(shop, secret: Made.other), verifier) == nil)
        #expect(Made.trouble(Made.token(shop), verifier)?.reason.contains("signature") == true)
        #expect(Made.trouble(Made.token(secret: Made.other), verifier)?.reason.contains("signature") == true)
    }

    @Test("the leeway counts at both ends, and an end may be left out where that is set")
    func times() throws {
        let lenient = try Made.verifier(leeway: 5)
        #expect(Made.trouble(Made.token(), lenient, now: 1_000_014) == nil)
        #expect(Made.trouble(Made.token(), lenient, now: 1_000_015) == .expired)
        #expect(Made.trouble(Made.token(Self.with(#""nbf":1000005"#)), lenient) == nil)
        #expect(Made.trouble(Made.token(Self.with(#""nbf":1000006"#)), lenient) != nil)
        let endless = Made.token(#""iss":"app","aud":"freshet""#)
        #expect(try Made.verifier(needsExpiry: false).verify(endless, now: Made.now).expires == nil)
    }

    @Test("no subject is nobody but the bearer, and none looks like a key or like another issuer's")
    func subjects() throws {
        let verifier = try Made.verifier()
        func name(_ claims: String) throws -> String {
            try verifier.verify(
                Made.token("\"iss\":\"app\",\"aud\":\"freshet\",\"exp\":1000010,\(claims)"),
                now: Made.now
            )
            .caller.name
        }
        #expect(try name(#""sub":"a#b c""#) == "app#a%23b%20c")
        #expect(try name(#""jti":"1""#).hasPrefix("app#*"))
        #expect(try name(#""jti":"1""#) != name(#""jti":"2""#))
    }

    @Test("a token without the claim has the rights of the template, one with it its own alone")
    func template() throws {
        let verifier = try Made.verifier(
            "issuer=app audience=freshet template=read=users/{sub}/ template=append=in/{team}"
        )
        func caller(_ claims: String) throws -> Caller {
            try verifier.verify(
                Made.token("\"iss\":\"app\",\"aud\":\"freshet\",\"exp\":1000010,\(claims)"),
                now: Made.now
            )
            .caller
        }
        let both = try caller(#""sub":"u42","team":"*""#)
        #expect(both.may(.read, "users/u42/a") && !both.may(.read, "users/u421/a") && both.may(.append, "in/*"))
        #expect(!both.may(.append, "in/x"))
        for value in [#""""#, #"".""#, #""..""#, "7", "null", #"["a"]"#, #""\ud800""#, #""a\u0000""#] {
            #expect(try caller("\"sub\":\(value)").grants.isEmpty, "\(value)")
        }
        let divided = try caller(#""sub":"u42/a""#)
        #expect(divided.may(.read, "users/u42%2Fa/b") && !divided.may(.read, "users/u42/a/b"))
        #expect(try caller(#""sub":"u42","freshet":{}"#).grants.isEmpty)
    }

    @Test("what says that it is a token of ours is a secret; of one without a name the signature decides")
    func secretWords() throws {
        let (named, nameless) = (try Made.verifier(), try Made.verifier("audience=freshet"))
        let (token, forged) = (Made.token(), Made.token(secret: Made.other))
        #expect(named.claimsToBeValid(token, now: Made.now) && named.claimsToBeValid(forged, now: Made.now))
        #expect(!named.claimsToBeValid(token, now: Made.now + 10))
        #expect(nameless.claimsToBeValid(token, now: Made.now) && !nameless.claimsToBeValid(forged, now: Made.now))
        #expect(!named.claimsToBeValid(Made.token(#""iss":"openai","exp":1000010"#), now: Made.now))
    }
}
