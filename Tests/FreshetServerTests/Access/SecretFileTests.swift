import Foundation
import Locks
import Logging
import StoreSuite
import StreamCore
import Testing

@testable import FreshetServer

@Suite("Files with keys in them")
struct SecretFileTests {
    private func file(_ mode: Int, _ body: (String) async throws -> Void) async throws {
        let path = NSTemporaryDirectory() + "freshet keys \(UUID().uuidString)"
        #expect(FileManager.default.createFile(atPath: path, contents: Data("all 0123456789abcdef all *\n".utf8)))
        defer { try? FileManager.default.removeItem(atPath: path) }
        try FileManager.default.setAttributes([.posixPermissions: mode], ofItemAtPath: path)
        try await body(path)
    }

    @Test("one that others may read or change is warned of, with the mode and the line that mends it")
    func modes() async throws {
        for mode in [0o644, 0o640, 0o604, 0o620, 0o666] {
            try await file(mode) { path in
                let warning = try #require(SecretFile.warning(path, what: "The keys file"))
                #expect(warning.hasPrefix("The keys file \(path) has the mode 0\(String(mode, radix: 8)):"))
                #expect(warning.hasSuffix("chmod 600 '\(path)'"))
            }
        }
        for mode in [0o600, 0o400, 0o700] {
            try await file(mode) { path in #expect(SecretFile.warning(path, what: "The keys file") == nil) }
        }
        // Not there is for others to tell, and what is no file of a disk nobody else can open.
        #expect(SecretFile.warning("/nonexistent/keys", what: "The keys file") == nil)
        #expect(SecretFile.warning("/dev/null", what: "The keys file") == nil)
    }

    @Test("a group may read the key of a certificate, and nobody else")
    func groups() async throws {
        for (mode, isTold) in [(0o640, false), (0o600, false), (0o644, true), (0o660, true), (0o602, true)] {
            try await file(mode) { path in
                #expect((SecretFile.warning(path, what: "The key", groupReads: true) != nil) == isTold)
            }
        }
    }

    @Test("a quote in a path is quoted in the line")
    func quotes() async throws {
        let path = NSTemporaryDirectory() + "it's \(UUID().uuidString)"
        #expect(FileManager.default.createFile(atPath: path, contents: Data()))
        defer { try? FileManager.default.removeItem(atPath: path) }
        try FileManager.default.setAttributes([.posixPermissions: 0o644], ofItemAtPath: path)
        let quoted = "'" + path.replacing("'", with: #"'\''"#) + "'"
        #expect(SecretFile.warning(path, what: "The key file")?.hasSuffix("chmod 600 \(quoted)") == true)
    }

    @Test("a server says so at its start, and only where it is so")
    func start() async throws {
        for (mode, isTold) in [(0o644, true), (0o600, false)] {
            try await file(mode) { path in
                var configuration = ServerConfiguration()
                configuration.port = 0
                configuration.eventLoops = 1
                configuration.keys = path
                let lines = Lines()
                let service = await FreshetService(
                    configuration: configuration,
                    store: MemoryStreamStore(),
                    keys: try configuration.readKeys(),
                    logger: Logger(label: "test") { _ in lines }
                )
                _ = try await service.start()
                await service.stop()
                #expect(lines.all.contains { $0.hasPrefix("warning") && $0.contains("chmod 600") } == isTold)
            }
        }
    }

    /// What was logged.
    private final class Lines: LogHandler, Sendable {
        private let lines = Mutex<[String]>([])

        var all: [String] { lines.withLock(\.self) }
        var logLevel: Logger.Level {
            get { .trace }
            set {}
        }
        var metadata: Logger.Metadata {
            get { [:] }
            set {}
        }

        subscript(metadataKey key: String) -> Logger.Metadata.Value? {
            get { nil }
            set {}
        }

        func log(event: LogEvent) { lines.withLock { $0.append("\(event.level) \(event.message)") } }
    }
}
