import Crypto
import Foundation

/// What files hold at one look, by their paths: enough to tell whether it is something else at the next one, and never
/// what is in them.
@available(freshet 0.1, *)
package struct FileContents: Sendable, Equatable {
    private enum Content: Sendable, Equatable {
        /// SHA-256 of the bytes. Times of files are not asked: where files are mounted they may stay as they were.
        case digest([UInt8])
        case unreadable
        /// What is no file of a disk, such as a pipe: a look would take from it what somebody else is to read.
        case elsewhere
    }

    private var contents: [String: Content] = [:]

    /// Looks at these files now, and waits for the disk.
    package init(of paths: [String]) { look(at: paths) }

    /// Looks at further files.
    package mutating func look(at paths: [String]) {
        for path in paths { contents[path] = Self.content(of: path) }
    }

    private static func content(of path: String) -> Content {
        var status = stat()
        guard stat(path, &status) == 0 else { return .unreadable }
        guard status.st_mode & S_IFMT == S_IFREG else { return .elsewhere }
        guard let bytes = FileManager.default.contents(atPath: path) else { return .unreadable }
        return .digest(Array(SHA256.hash(data: bytes)))
    }
}

@available(freshet 0.1, *)
extension ServerConfiguration {
    /// The files that a reload reads, beside the one of the settings.
    package var filesReadAgain: [String] {
        let named = [
            self.keys, self.tlsCertificate, self.tlsKey, self.tlsKeyPasswordFile, self.sessionSecretFile,
            self.otlpHeadersFile,
        ]
        return named.compactMap(\.self) + self.issuers.flatMap(\.files) + self.toldHooks.map(\.secretFile)
    }
}
