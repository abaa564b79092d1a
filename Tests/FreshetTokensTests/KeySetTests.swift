import Crypto
import CryptoExtras
import Foundation
import FreshetServer
import Testing
import TextCodecs

@testable import FreshetTokens

@Suite("Key sets and files of keys")
struct KeySetTests {
    private func set(_ keys: String..., takesSecrets: Bool = false) throws(KeysTrouble) -> KeySet {
        try KeySet(
            Array("{\"keys\":[\(keys.joined(separator: ","))]}".utf8),
            place: "keys.json",
            takesSecrets: takesSecrets
        )
    }

    private let good = Made.jwk(Made.p256.publicKey, id: "good")

    @Test(
        "a key that is not understood, or not for signatures, takes no other along",
        arguments: [
            (#"{"kty":"AKP","alg":"ML-DSA-44","kid":"bad","pub":"AA"}"#, "alg"),
            (#"{"kty":"AKP","kid":"bad"}"#, "kind"),
            (#"{"kty":"EC","crv":"secp256k1","kid":"bad","x":"AA","y":"AA"}"#, "kind"),
            (#"{"kty":"EC","crv":"P-256","kid":"bad","x":"AA","y":"AA"}"#, "point"),
            (#"{"kty":"EC","crv":"P-256","kid":"bad","x":"A A","y":"AA"}"#, "base64url"),
            (#"{"kty":"RSA","kid":"bad","n":"AQAB","e":"AQAB"}"#, "2048"),
            (#"{"kty":"oct","kid":"bad","k":"YS1zZWNyZXQtb2YtYXQtbGVhc3QtdGhpcnR5LXR3by1ieXRlcw"}"#, "secret"),
            (Made.jwk(Made.p256.publicKey, id: "bad", more: #","use":"enc""#), "use"),
            (Made.jwk(Made.p256.publicKey, id: "bad", more: #","key_ops":["sign"]"#), "key_ops"),
            (Made.jwk(Made.p256.publicKey, id: "bad", more: #","alg":"RS256""#), "fit"),
            (Made.jwk(Made.p256.publicKey, id: "bad", more: #","kty":"oct""#), "twice"),
            ("7", "no object"),
        ]
    )
    func skipped(_ bad: String, _ says: String) throws {
        let found = try set(bad, good)
        #expect(found.keys.map(\.id) == ["good"])
        #expect(found.skipped.count == 1 && found.skipped[0].contains(says), "\(found.skipped)")
        #expect(throws: KeysTrouble.self) { try set(bad) }
    }

    @Test("a key for checking signatures is taken, and a secret from a file alone")
    func taken() throws {
        let secret = #"{"kty":"oct","kid":"s","k":"\#(Base64.urlText(Made.secret))"}"#
        #expect(try set(secret, takesSecrets: true).keys[0].algorithms == [.hs256, .hs384, .hs512])
        let ed = #"{"kty":"OKP","crv":"Ed25519","x":"\#(Base64.urlText(Made.ed25519.publicKey.rawRepresentation))"}"#
        #expect(try set(ed).keys[0].algorithms == [.edDSA, .ed25519])
        let p384 = Made.p384.publicKey.rawRepresentation
        let ec = """
            {"kty":"EC","crv":"P-384","x":"\(Base64.urlText(p384.prefix(48)))","y":"\(Base64.urlText(p384.suffix(48)))"}
            """
        #expect(try set(ec).keys[0].algorithms == [.es384])
        let numbers = try Made.rsa.publicKey.getKeyPrimitives()
        let rsa = """
            {"kty":"RSA","alg":"PS256","use":"sig","key_ops":["verify"],"n":"\(Base64.urlText(numbers.modulus))",\
            "e":"\(Base64.urlText(numbers.publicExponent))"}
            """
        #expect(try set(rsa).keys[0].algorithms == [.ps256])
    }

    @Test(
        "what is no key set is refused",
        arguments: ["", "[]", "{}", #"{"keys":{}}"#, #"{"keys":[]}"#, "<html>", "{\"keys\":[1"]
    )
    func noSet(_ text: String) {
        #expect(throws: KeysTrouble.self) { try KeySet(Array(text.utf8), place: "x", takesSecrets: true) }
    }

    @Test("a set without a key that can be used is one where it may be empty, and what is no key is none there either")
    func empty() throws {
        func count(_ keys: String) throws(KeysTrouble) -> Int {
            try KeySet(Array("{\"keys\":[\(keys)]}".utf8), place: "x", takesSecrets: false, mayBeEmpty: true).keys.count
        }
        #expect(try count("") == 0)
        #expect(try count(#"{"kty":"AKP"},{"kty":"EC","crv":"P-256","x":"AA","y":"AA"}"#) == 0)
        #expect(try count("7,\(good)") == 1)
        for broken in ["7", "null", "{}", #"{"kty":1}"#, #"{"kty":"AKP"},"key""#] {
            #expect(throws: KeysTrouble.self) { try count(broken) }
        }
    }

    @Test("one newline at the end of a secret file is not part of the secret")
    func secretFile() throws {
        let bytes = Array(repeating: UInt8(ascii: "k"), count: 32)
        #expect(try Made.withFile(bytes + [10]) { try TokenKey.secretBytes(file: $0) } == bytes)
        #expect(try Made.withFile(bytes + [10, 10]) { try TokenKey.secretBytes(file: $0) } == bytes + [10])
        #expect(throws: KeysTrouble.self) {
            try Made.withFile(bytes.dropLast() + [10]) { try TokenKey.secretBytes(file: $0) }
        }
        #expect(throws: KeysTrouble.self) { try TokenKey.secretBytes(file: "/nowhere") }
    }

    @Test("a PEM file holds public keys, and each of them can be used")
    func pem() throws {
        func says(_ text: String) -> String? {
            do {
                _ = try Made.withFile(text.utf8) { try TokenKey.pem(file: $0) }
                return nil
            } catch { return "\(error)" }
        }
        #expect(says(Made.p256.publicKey.pemRepresentation) == nil)
        #expect(says(Made.p256.pemRepresentation)?.contains("private") == true)
        #expect(says("nothing")?.contains("no public key") == true)
        #expect(says(P521.Signing.PrivateKey().publicKey.pemRepresentation)?.contains("number 1") == true)
    }

    @Test("base64url has one text for each bytes")
    func base64url() {
        for text in ["", "AA", "AAA", "AAAA", "_-8", "AQAB"] {
            #expect(Base64URL.decode(text.utf8).map { Base64.urlText($0) } == text)
        }
        for text in ["A", "AB", "AAB", "AA==", "A+/A", "AA A", "AAAAA"] {
            #expect(Base64URL.decode(text.utf8) == nil, "\(text)")
        }
    }
}
