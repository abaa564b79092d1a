import Crypto
import Foundation
import TextCodecs

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#elseif canImport(Darwin)
import Darwin
#endif

/// What session cookies are signed with: the first secret signs, and each of them is good for checking, so that a new
/// one takes over while cookies by the old one go on.
@available(freshet 0.1, *)
package struct SessionSecrets: Sendable, Hashable {
    /// The least length of one, in bytes.
    static let least = 32

    /// One that nobody else has: its cookies end with the process.
    package static let ofThisProcess = SessionSecrets(secrets: [random()])

    private struct Secret: Sendable, Hashable {
        let bytes: [UInt8]
        /// What tells it from every other, without being one.
        let digest: [UInt8]

        init(_ bytes: [UInt8]) {
            self.bytes = bytes
            digest = Array(SHA256.hash(data: Array("freshet-session-secret|".utf8) + bytes).prefix(16))
        }
    }

    private let secrets: [Secret]

    private init(secrets: [[UInt8]]) {
        self.secrets = secrets.map(Secret.init)
    }

    /// Reads a file: a secret a line, empty lines aside.
    ///
    /// - Throws: `KeyFileError` for a file without one, and for one that is too short. It shows no secret.
    package init(file: String) throws(KeyFileError) {
        let data: Data
        do {
            data = try Data(contentsOf: URL(fileURLWithPath: file))
        } catch {
            throw KeyFileError(file: file, line: nil, reason: "it cannot be read: \(error.localizedDescription)")
        }
        try self.init(parsing: Array(data), file: file)
    }

    init(parsing bytes: [UInt8], file: String) throws(KeyFileError) {
        var secrets: [[UInt8]] = []
        let lines = bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
        for (index, line) in lines.enumerated() {
            let secret = Array(line.last == UInt8(ascii: "\r") ? line.dropLast() : line)
            guard !secret.isEmpty else { continue }
            guard secret.count >= Self.least else {
                throw KeyFileError(
                    file: file,
                    line: index + 1,
                    reason: "the secret has \(secret.count) bytes, and \(Self.least) is the least; make one with "
                        + "`openssl rand -base64 48`"
                )
            }
            secrets.append(secret)
        }
        guard !secrets.isEmpty else {
            throw KeyFileError(
                file: file,
                line: nil,
                reason: "there is no secret in it; make one with `openssl rand -base64 48`"
            )
        }
        self.init(secrets: secrets)
    }

    /// The secret of a directory that a server keeps its streams in. One that has none is given one, which nobody but
    /// its owner may read.
    ///
    /// - Throws: `KeyFileError` where it cannot be read or written.
    package init(directory: String) throws(KeyFileError) {
        let file = directory + "/session-secret"
        if !FileManager.default.fileExists(atPath: file) { try Self.make(file) }
        try self.init(file: file)
    }

    /// A whole file or none: after a crash in between, the next start makes another.
    private static func make(_ file: String) throws(KeyFileError) {
        let half = file + ".new"
        let bytes = fresh() + [UInt8(ascii: "\n")]
        let descriptor = open(half, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
        var isKept = descriptor >= 0
        if isKept {
            isKept = fchmod(descriptor, 0o600) == 0
            isKept = write(descriptor, bytes, bytes.count) == bytes.count && isKept
            isKept = fsync(descriptor) == 0 && isKept
            isKept = close(descriptor) == 0 && isKept
        }
        guard isKept, rename(half, file) == 0 else {
            let reason = String(cString: strerror(errno))
            throw KeyFileError(file: file, line: nil, reason: "a secret for sessions cannot be kept there: \(reason)")
        }
    }

    /// One that others have too.
    package init(shared secret: [UInt8]) { self.init(secrets: [secret]) }

    /// A new one, as a line of text.
    package static func fresh() -> [UInt8] { Base64.encode(random()) }

    private static func random() -> [UInt8] {
        // Of the system's own generator, which is one for keys.
        (0..<least).map { _ in UInt8.random(in: .min ... .max) }
    }

    /// The code by which a text is known again, in base64url.
    func code(of text: String) -> String { Self.code(of: text, secrets[0].bytes) }

    /// The digest of the secret by which a code is the one of a text; nil where it is so by none of them. Compared as
    /// texts, by digests, in constant time.
    func digest(behind code: String, of text: String) -> [UInt8]? {
        let shown = SHA256.hash(data: Array(code.utf8))
        var digest: [UInt8]?
        for secret in secrets where SHA256.hash(data: Array(Self.code(of: text, secret.bytes).utf8)) == shown {
            digest = secret.digest
        }
        return digest
    }

    /// Whether the secret of a digest is still one of them.
    func has(_ digest: [UInt8]) -> Bool { secrets.contains { $0.digest == digest } }

    private static func code(of text: String, _ secret: [UInt8]) -> String {
        let code = HMAC<SHA256>.authenticationCode(for: Array(text.utf8), using: SymmetricKey(data: secret))
        return Base64.urlText(code)
    }
}
