import Foundation
import Locks

@testable import RedisStreamStore

/// A `redis-server` of the test's own, on a port that was free, with a directory that goes with it.
///
/// It ends with the test, and with the process of the tests too, however that ends: a shell kills it when its own
/// standard input does.
final class RedisProcess: Sendable {
    struct Failure: Error, CustomStringConvertible {
        var description: String
    }

    let port: Int
    let pid: pid_t
    let directory: TemporaryDirectory
    private let options: [String]
    private let input: FileHandle
    private let over: Recorder<Void>

    private init(
        _ over: Recorder<Void>,
        _ input: FileHandle,
        pid: pid_t,
        port: Int,
        options: [String],
        in directory: TemporaryDirectory
    ) {
        self.over = over
        self.input = input
        self.pid = pid
        self.port = port
        self.options = options
        self.directory = directory
    }

    deinit { try? input.close() }

    /// Starts one, and returns when it takes connections.
    ///
    /// - Parameters:
    ///   - options: as `redis-server` takes them. It keeps nothing on disk unless they say so.
    ///   - secure: whether it speaks TLS only, with the certificates in the directory (`Certificates`).
    static func start(
        _ options: [String] = [],
        in directory: TemporaryDirectory = TemporaryDirectory(),
        secure: Bool = false
    ) async throws -> RedisProcess {
        while true {
            // Below the ports that the system gives to whoever connects.
            let port = Int.random(in: 20_000..<32_000)
            let tls = [
                "--port", "0", "--tls-port", "\(port)", "--tls-cert-file", directory.file("server.crt"),
                "--tls-key-file", directory.file("server.key"), "--tls-ca-cert-file", directory.file("ca.crt"),
            ]
            let all = (secure ? tls + ["--tls-auth-clients", "no"] : ["--port", "\(port)"]) + options
            if let process = try await run(all, port: port, in: directory) { return process }
        }
    }

    /// Starts it again on its port, in its directory.
    func restarted() async throws -> RedisProcess {
        // The system may still be about to close the port.
        for _ in 0..<100 {
            if let again = try await Self.run(options, port: port, in: directory) { return again }
        }
        throw Failure(description: "another process took the port \(port)")
    }

    /// Tells the server's number, and kills it when the standard input ends. It waits for no child: that needs a signal
    /// which the threads of Swift's tasks hold back. What was not waited for keeps its number.
    private static let script = #""$@" </dev/null & echo "pid $!"; exec >/dev/null 2>&1; cat; kill -9 $!"#

    /// - Returns: Nil when the port is taken.
    private static func run(
        _ options: [String],
        port: Int,
        in directory: TemporaryDirectory
    ) async throws -> RedisProcess? {
        let program = ["/usr/bin/redis-server", "/usr/local/bin/redis-server", "/opt/homebrew/bin/redis-server"]
            .first { FileManager.default.isExecutableFile(atPath: $0) }
        guard let program else {
            throw Failure(description: "there is no redis-server: scripts/lib/install-test-tools installs it")
        }
        let shell = Process()
        shell.executableURL = URL(fileURLWithPath: "/bin/sh")
        shell.arguments =
            ["-c", script, "sh", program]
            + ["--bind", "127.0.0.1", "--dir", directory.path, "--daemonize", "no", "--save", "", "--appendonly", "no"]
            + options
        let (input, output) = (Pipe(), Pipe())
        shell.standardInput = input
        shell.standardOutput = output
        shell.standardError = output
        let over = Recorder<Void>()
        try shell.run()
        // Only the shell has them now: each ends with it.
        try? input.fileHandleForReading.close()
        try? output.fileHandleForWriting.close()
        let reader = output.fileHandleForReading
        let said: (pid: pid_t?, isReady: Bool, text: String) = await withCheckedContinuation { continuation in
            Thread.detachNewThread {
                var text = ""
                var pid: pid_t?
                var isTold = false
                // To the end, so that what it says later has somewhere to go.
                while true {
                    let data = reader.availableData
                    if !isTold {
                        text += String(decoding: data, as: UTF8.self)
                        if pid == nil, let line = text.split(separator: "\n").first(where: { $0.hasPrefix("pid ") }) {
                            pid = pid_t(line.dropFirst(4))
                        }
                        // The shell may be later than the server.
                        let isReady = pid != nil && text.contains("Ready to accept connections")
                        if isReady || data.isEmpty || text.contains("Failed listening") || text.contains("FATAL") {
                            isTold = true
                            continuation.resume(returning: (pid, isReady, text))
                        }
                    }
                    if data.isEmpty { return over.note(()) }
                }
            }
        }
        let process = said.pid.map {
            RedisProcess(
                over,
                input.fileHandleForWriting,
                pid: $0,
                port: port,
                options: options,
                in: directory
            )
        }
        if let process, said.isReady { return process }
        guard said.text.contains("in use") else {
            throw Failure(description: "redis-server does not start: \(said.text)")
        }
        return nil
    }

    var url: RedisURL { get throws { try RedisURL("redis://127.0.0.1:\(port)") } }

    func signal(_ signal: Int32) {
        kill(pid, signal)
    }

    /// Ends it, as a loss of power would.
    func end() async {
        try? input.close()
        await over.wait(for: 1)
    }
}
