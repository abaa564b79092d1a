import Crypto
import Foundation
import TextCodecs

/// What the calls of a hook are signed with, as Standard Webhooks has it: one secret, or two while they change.
@available(freshet 0.1, *)
package struct HookSecrets: Sendable, Equatable {
    static let prefix = "whsec_"
    static let fewestBytes = 24

    private let secrets: [[UInt8]]

    package init(file: String) throws(HookTrouble) {
        guard let data = FileManager.default.contents(atPath: file) else {
            throw HookTrouble(file: file, reason: "the file of a hook's secret cannot be read")
        }
        try self.init(parsing: [UInt8](data), file: file)
    }

    /// A secret a line: `whsec_` and base64, or bytes that are taken as they are. Blank lines do not count.
    init(parsing bytes: [UInt8], file: String) throws(HookTrouble) {
        var secrets: [[UInt8]] = []
        for line in bytes.split(separator: UInt8(ascii: "\n")) {
            let line = line.last == UInt8(ascii: "\r") ? line.dropLast() : line
            guard line.contains(where: { $0 != UInt8(ascii: " ") && $0 != UInt8(ascii: "\t") }) else { continue }
            guard let secret = Self.secret(line) else {
                throw HookTrouble(file: file, reason: "secret \(secrets.count + 1): what follows whsec_ is not base64")
            }
            guard secret.count >= Self.fewestBytes else {
                throw HookTrouble(
                    file: file,
                    reason:
                        "secret \(secrets.count + 1) has \(secret.count) bytes, and \(Self.fewestBytes) are the fewest; "
                        + "make one with: echo whsec_$(openssl rand -base64 32)"
                )
            }
            secrets.append(secret)
        }
        guard (1...2).contains(secrets.count) else {
            throw HookTrouble(
                file: file,
                reason: "it has \(secrets.count) secrets; write one, or two while they change"
            )
        }
        self.secrets = secrets
    }

    private static func secret(_ line: ArraySlice<UInt8>) -> [UInt8]? {
        guard line.starts(with: prefix.utf8) else { return Array(line) }
        var text = line.dropFirst(prefix.utf8.count)
        while text.last == UInt8(ascii: "=") { text.removeLast() }
        return Base64URL.decode(
            text.map { byte in
                switch byte {
                case UInt8(ascii: "+"): UInt8(ascii: "-")
                case UInt8(ascii: "/"): UInt8(ascii: "_")
                default: byte
                }
            }
        )
    }

    /// The value of `webhook-signature`: one signature for each secret, separated by spaces.
    ///
    /// - Parameter timestamp: Seconds since 1970, as `webhook-timestamp` says them.
    package func signatures(id: String, timestamp: UInt64, body: [UInt8]) -> String {
        let signed = Array("\(id).\(timestamp).".utf8) + body
        return secrets.map { secret in
            let code = HMAC<SHA256>.authenticationCode(for: signed, using: SymmetricKey(data: secret))
            return "v1," + String(decoding: Base64.encode(Array(code)), as: UTF8.self)
        }.joined(separator: " ")
    }
}
