import ArgumentParser
import Foundation
import FreshetServer
import FreshetTokens
import Logging
import StreamCore

/// `freshet token`: makes and checks tokens.
@available(freshet 0.1, *)
struct TokenCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "token",
        abstract: "Make a signed token, or check one.",
        discussion: """
            Makes a token that a server with the same secret takes (--jwt-secret-file), signed by HS256, and prints it alone. Each \
            right takes names of streams: a name is that stream alone, unless it ends in / or *. With --verify it reads a token \
            from standard input instead, checks it as a server would, and prints its claims.

            EXAMPLES
              freshet token --secret-file secret --issuer app --audience freshet --read users/42/ --for 10m
              freshet token --verify --secret-file secret --issuer app --audience freshet < token

            EXIT STATUS
              0  made, or valid
              1  not valid
             64  wrong usage
             74  the output cannot be written
            """
    )

    @Option(help: ArgumentHelp("File of the secret: at least 32 bytes.", valueName: "file"))
    var secretFile: String?

    @Option(help: ArgumentHelp("With --verify, a PEM file of public keys.", valueName: "file"))
    var keys: String?

    @Option(help: ArgumentHelp("With --verify, a file with a JWKS.", valueName: "file"))
    var jwks: String?

    @Option(help: ArgumentHelp("The issuer (iss).", valueName: "name"))
    var issuer: String?

    @Option(help: ArgumentHelp("The audience (aud).", valueName: "name"))
    var audience: String?

    @Option(help: ArgumentHelp("Who it is for (sub).", valueName: "name"))
    var subject: String?

    @Option(help: ArgumentHelp("The claim that holds the rights (default: freshet).", valueName: "name"))
    var claim: String?

    @Option(
        name: .customLong("for"),
        help: ArgumentHelp("How long it is valid, such as 30s, 10m or 2h.", valueName: "time")
    )
    var lifetime: String = "10m"

    @Option(help: ArgumentHelp("Streams that may be created.", valueName: "name"))
    var create: [String] = []

    @Option(help: ArgumentHelp("Streams that may be appended to.", valueName: "name"))
    var append: [String] = []

    @Option(help: ArgumentHelp("Streams that may be ended.", valueName: "name"))
    var end: [String] = []

    @Option(help: ArgumentHelp("Streams that may be cancelled.", valueName: "name"))
    var cancel: [String] = []

    @Option(help: ArgumentHelp("Streams that may be read.", valueName: "name"))
    var read: [String] = []

    @Option(help: ArgumentHelp("Streams that may be deleted.", valueName: "name"))
    var delete: [String] = []

    @Option(help: ArgumentHelp("Streams whose readers may be listed.", valueName: "name"))
    var inspect: [String] = []

    @Option(help: ArgumentHelp("Streams with which everything may be done but to inspect them.", valueName: "name"))
    var all: [String] = []

    @Flag(help: "Check a token that is given on standard input.")
    var verify = false

    private var rights: [(name: String, patterns: [String])] {
        [
            ("create", create), ("append", append), ("end", end), ("cancel", cancel), ("read", read),
            ("delete", delete),
            ("inspect", inspect), ("all", all),
        ].filter { !$0.1.isEmpty }
    }

    func validate() throws {
        if verify {
            guard rights.isEmpty else { throw ValidationError("--verify checks a token; it gives no rights.") }
            guard secretFile != nil || keys != nil || jwks != nil else {
                throw ValidationError("--verify needs what to check with: --secret-file, --keys or --jwks.")
            }
            if let jwks, jwks.contains("://") {
                throw ValidationError("--jwks of 'freshet token' is a file; fetch '\(jwks)' into one.")
            }
            return
        }
        guard secretFile != nil else { throw ValidationError("A token is signed with a secret: --secret-file FILE.") }
        guard keys == nil, jwks == nil else { throw ValidationError("--keys and --jwks go with --verify.") }
        guard !rights.isEmpty else {
            throw ValidationError("The token gives no right. Add one, such as --read answers/42.")
        }
        for pattern in rights.flatMap(\.patterns) {
            do throws(Refusal) {
                _ = try StreamPrefix(pattern: pattern)
            } catch {
                throw ValidationError("\(error.reason)")
            }
        }
        guard Self.seconds(lifetime) != nil else {
            throw ValidationError("--for '\(lifetime)' is no time: write seconds, or a whole number with s, m, h or d.")
        }
    }

    func run() throws {
        let now = Int64(SystemTime().wallMilliseconds() / 1000)
        if verify { return try check(now) }
        guard let secretFile, let lifetime = Self.seconds(lifetime) else { return }
        let maker: TokenMaker
        do {
            maker = try TokenMaker(
                secretFile: secretFile,
                issuer: issuer,
                audience: audience,
                claim: claim ?? IssuerSetting().claim
            )
        } catch {
            throw ValidationError("\(error)")
        }
        if let warning = SecretFile.warning(secretFile, what: "The secret file") { Terminal.note(warning) }
        try Terminal.write(Array("\(maker.token(for: subject, rights, now: now, lifetime: lifetime))\n".utf8))
    }

    private func check(_ now: Int64) throws {
        var setting = IssuerSetting()
        (setting.issuer, setting.audience) = (issuer, audience)
        (setting.secretFile, setting.keys, setting.jwks) = (secretFile, keys, jwks)
        if let claim { setting.claim = claim }
        let logger = Logger(label: "freshet") { _ in SwiftLogNoOpLogHandler() }
        let found: KnownIssuer
        do throws(KeysTrouble) {
            found = try KnownIssuer(setting, time: SystemTime(), logger: logger) { _ in
                preconditionFailure("a URL was refused")
            }
        } catch {
            throw ValidationError("\(error)")
        }
        let input = FileHandle.standardInput.readDataToEndOfFile()
        let token = String(decoding: input, as: UTF8.self).trimmingCharacters(in: .whitespacesAndNewlines)
        let verified: TokenVerifier.Verified
        do throws(TokenTrouble) {
            verified = try TokenVerifier(issuers: [found], leeway: 0, needsExpiry: true).verify(token, now: now)
        } catch {
            Terminal.note("The token is not valid. \(error.reason)")
            throw ExitStatus.refused.code
        }
        try Terminal.write(verified.claims + [UInt8(ascii: "\n")])
    }

    /// `90`, `90s`, `10m`, `2h`, `1d`: at most ten years.
    static func seconds(_ text: String) -> Int64? {
        let units: [Character: Int64] = ["s": 1, "m": 60, "h": 3600, "d": 86_400]
        let unit = text.last.flatMap { units[$0] }
        let digits = unit == nil ? text[...] : text.dropLast()
        guard !digits.isEmpty, digits.utf8.count <= 9,
            digits.utf8.allSatisfy({ UInt8(ascii: "0")...UInt8(ascii: "9") ~= $0 }),
            let number = Int64(digits)
        else { return nil }
        let seconds = number * (unit ?? 1)
        return 1...TokenMaker.mostSeconds ~= seconds ? seconds : nil
    }
}
