import Crypto
import CryptoExtras
import Foundation
import FreshetServer
import Locks
import Logging
import StreamCore
import StreamHTTP
import TextCodecs

@testable import FreshetTokens

/// Keys, issuers and tokens for the tests of this module.
enum Made {
    static let secret = Array("a-secret-of-at-least-thirty-two-bytes".utf8)
    static let other = Array("another-secret-of-at-least-32-bytes!!".utf8)
    static let now: Int64 = 1_000_000
    static let rsa: _RSA.Signing.PrivateKey = {
        guard let key = try? _RSA.Signing.PrivateKey(keySize: .bits2048) else { preconditionFailure("no RSA key") }
        return key
    }()
    static let p256 = P256.Signing.PrivateKey()
    static let p384 = P384.Signing.PrivateKey()
    static let ed25519 = Curve25519.Signing.PrivateKey()

    static let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }

    /// A file with some bytes in it, for as long as a test looks at it.
    static func withFile<Result>(_ bytes: some Sequence<UInt8>, _ body: (String) throws -> Result) throws -> Result {
        let file = FileManager.default.temporaryDirectory.appending(path: "freshet-\(UUID().uuidString)")
        try Data(bytes).write(to: file)
        defer { try? FileManager.default.removeItem(at: file) }
        return try body(file.path)
    }

    static func setting(_ words: String) throws -> IssuerSetting {
        var configuration = ServerConfiguration()
        try configuration.set("jwt", to: .list([words]), of: SettingsTable.server.settings)
        return configuration.jwt[0]
    }

    static func issuer(_ setting: IssuerSetting) throws -> KnownIssuer {
        try KnownIssuer(setting, time: SystemTime(), logger: logger) { _ in { throw CancellationError() } }
    }

    /// A verifier of one issuer, whose file of keys holds some bytes.
    static func verifier(
        _ words: String = "issuer=app audience=freshet",
        kind: String = "secret-file",
        holding bytes: [UInt8] = secret,
        leeway: Int64 = 0,
        needsExpiry: Bool = true
    ) throws -> TokenVerifier {
        try withFile(bytes) { file in
            let issuer = try issuer(setting("\(words) \(kind)=\(file)"))
            return TokenVerifier(issuers: [issuer], leeway: leeway, needsExpiry: needsExpiry)
        }
    }

    static let claims = """
        "iss":"app","aud":"freshet","sub":"u42","exp":1000010,"freshet":{"read":["answers/42","users/42/"]}
        """

    static func token(_ claims: String = claims, header: String = #"{"alg":"HS256"}"#, secret: [UInt8] = secret)
        -> String
    {
        TokenMaker.signed(header: Array(header.utf8), claims: Array("{\(claims)}".utf8), secret: secret)
    }

    /// A token with a signature that somebody makes of what is signed.
    static func token(
        header: String,
        claims: String = claims,
        sign: (Data) throws -> some Sequence<UInt8>
    ) rethrows -> String {
        let signed = "\(Base64.urlText(Array(header.utf8))).\(Base64.urlText(Array("{\(claims)}".utf8)))"
        return "\(signed).\(Base64.urlText(try sign(Data(signed.utf8))))"
    }

    /// What is said of a token that is not taken; nil where it is.
    static func trouble(_ token: String, _ verifier: TokenVerifier, now: Int64 = now) -> TokenTrouble? {
        do throws(TokenTrouble) {
            _ = try verifier.verify(token, now: now)
            return nil
        } catch {
            return error
        }
    }

    static func jwk(_ key: P256.Signing.PublicKey, id: String, more: String = "") -> String {
        let raw = key.rawRepresentation
        return """
            {"kty":"EC","crv":"P-256","kid":"\(id)","x":"\(Base64.urlText(raw.prefix(32)))",\
            "y":"\(Base64.urlText(raw.suffix(32)))"\(more)}
            """
    }
}

/// Clocks that a test moves.
final class MovedTime: TimeSource {
    private let now = Mutex(Duration.seconds(1_000_000))

    func monotonic() -> Duration { now.withLock(\.self) }
    func wallMilliseconds() -> UInt64 { UInt64(monotonic() / .milliseconds(1)) }
    func move(by duration: Duration) { now.withLock { $0 += duration } }
}
