import Foundation

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#elseif canImport(Darwin)
import Darwin
#endif

/// A file with keys in it, and whether it is kept from others.
@available(freshet 0.1, *)
package enum SecretFile {
    /// What to say of a file that others than its owner may read or write; nil where nobody else may, and for what is
    /// no file of a disk, such as a pipe.
    ///
    /// - Parameters:
    ///   - what: what it is, at the beginning of a sentence: `The keys file`.
    ///   - groupReads: it is usual that a group reads it, as Debian's `ssl-cert` does with keys of certificates.
    package static func warning(_ path: String, what: String, groupReads: Bool = false) -> String? {
        var status = stat()
        let others: mode_t = groupReads ? 0o026 : 0o066
        guard stat(path, &status) == 0, status.st_mode & S_IFMT == S_IFREG, status.st_mode & others != 0 else {
            return nil
        }
        let mode = String(status.st_mode & 0o7777, radix: 8)
        return "\(what) \(path) has the mode 0\(mode): others on this machine may read or change it. "
            + "Keep it to its owner: chmod 600 \(quoted(path))"
    }

    /// The first line of a file that holds one secret.
    ///
    /// - Parameter secret: what it is, with its article.
    /// - Throws: `KeyFileError` where it cannot be read or begins with an empty line.
    package static func firstLine(of path: String, what secret: String) throws(KeyFileError) -> String {
        let text: String
        do {
            text = try String(contentsOfFile: path, encoding: .utf8)
        } catch {
            throw KeyFileError(file: path, line: nil, reason: "it cannot be read: \(error.localizedDescription)")
        }
        let bytes = text.utf8.prefix { $0 != UInt8(ascii: "\n") }
        let line = bytes.last == UInt8(ascii: "\r") ? bytes.dropLast() : bytes
        guard !line.isEmpty else {
            throw KeyFileError(file: path, line: 1, reason: "there is not \(secret) in it, but an empty line")
        }
        return String(decoding: line, as: UTF8.self)
    }

    /// As a shell takes it.
    private static func quoted(_ path: String) -> String {
        let isPlain = path.utf8.allSatisfy { byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "/"), UInt8(ascii: "."), UInt8(ascii: "_"),
                UInt8(ascii: "-"):
                true
            default: false
            }
        }
        guard !isPlain else { return path }
        return "'" + path.split(separator: "'", omittingEmptySubsequences: false).joined(separator: "'\\''") + "'"
    }
}

@available(freshet 0.1, *)
extension ServerConfiguration {
    /// What to say of files with secrets that others on this machine can read.
    package var secretFileWarnings: [String] {
        var warnings: [String] = []
        if let keys = self.keys, let warning = SecretFile.warning(keys, what: "The keys file") {
            warnings.append(warning)
        }
        let secrets = [
            (self.sessionSecretFile, "The file of session secrets"),
            (self.otlpHeadersFile, "The file of the collector's header fields"),
            (self.tlsKey, "The key of the certificate"),
            (self.tlsKeyPasswordFile, "The file of its key's password"),
            (self.redisPasswordFile, "The file of Redis's password"),
        ]
        for case (let file?, let what) in secrets {
            if let warning = SecretFile.warning(file, what: what, groupReads: true) { warnings.append(warning) }
        }
        return warnings
    }
}
