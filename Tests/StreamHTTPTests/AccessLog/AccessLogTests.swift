import Dispatch
import Foundation
import Locks
import Logging
import Testing

@testable import StreamHTTP

@Suite("The access log")
struct AccessLogTests {
    /// Says of each write that it has begun, and does with it what the test says.
    private final class Output: AccessLogOutput {
        let name = "memory"
        let begun: AsyncStream<[UInt8]>
        private let beginning: AsyncStream<[UInt8]>.Continuation
        private let act: @Sendable ([UInt8]) -> (count: Int, failure: String?)

        init(_ act: @escaping @Sendable ([UInt8]) -> (count: Int, failure: String?)) {
            (begun, beginning) = AsyncStream.makeStream(of: [UInt8].self)
            self.act = act
        }

        func open() throws(AccessLogTrouble) {}

        func write(_ bytes: [UInt8]) -> (count: Int, failure: String?) {
            beginning.yield(bytes)
            return act(bytes)
        }

        func next() async -> String {
            var iterator = begun.makeAsyncIterator()
            return String(decoding: await iterator.next(isolation: #isolation) ?? [], as: UTF8.self)
        }
    }

    private struct Told: LogHandler {
        let lines: Mutexed
        var logLevel = Logger.Level.trace
        var metadata: Logger.Metadata = [:]
        subscript(metadataKey key: String) -> Logger.Metadata.Value? {
            get { metadata[key] }
            set { metadata[key] = newValue }
        }

        func log(event: LogEvent) { lines.lines.withLock { $0.append("\(event.level) \(event.message)") } }
    }

    private final class Mutexed: Sendable {
        let lines = Mutex<[String]>([])
    }

    private let told = Mutexed()

    private func log(to output: any AccessLogOutput) -> AccessLog {
        AccessLog(to: output, proxies: TrustedProxies([]), logger: Logger(label: "test") { _ in Told(lines: told) })
    }

    @Test("lines that come faster than they can be written are dropped and counted, and nobody waits")
    func overflow() async {
        let gate = DispatchSemaphore(value: 0)
        let output = Output { bytes in
            gate.wait()
            return (bytes.count, nil)
        }
        let log = log(to: output)
        let line = [UInt8](repeating: UInt8(ascii: "a"), count: AccessLog.most / 4 - 1) + [UInt8(ascii: "\n")]
        log.write(line)
        #expect(await output.next().utf8.count == line.count)
        for _ in 0..<6 { log.write(line) }
        #expect(log.dropped == 2)
        gate.signal()
        #expect(await output.next().utf8.count == 4 * line.count)
        gate.signal()
        log.write(Array("b\n".utf8))
        #expect(await output.next() == "b\n")
        gate.signal()
        #expect(log.dropped == 2)
    }

    @Test("what cannot be written is lost, is told once, and leaves no line half of another")
    func failure() async {
        let results = Mutex<[(count: Int, failure: String?)]>([(2, "full"), (0, "full"), (3, "full"), (8, nil)])
        let output = Output { _ in results.withLock { $0.removeFirst() } }
        let log = log(to: output)
        var written: [String] = []
        for line in ["one\n", "two\n", "three\n", "fourth\n"] {
            log.write(Array(line.utf8))
            written.append(await output.next())
        }
        // Each begins anew where the one before was left in its middle.
        #expect(written == ["one\n", "\ntwo\n", "\nthree\n", "\nfourth\n"])
        await log.flush()
        #expect(log.dropped == 3)
        #expect(
            told.lines.withLock(\.self) == [
                "error The access log cannot be written: its lines are lost.",
                "notice The access log can be written again.",
            ]
        )
    }

    @Test("a file that was moved away goes on under its name once it is reopened")
    func reopened() throws {
        let directory = FileManager.default.temporaryDirectory.appending(path: "freshet-\(UUID())")
        try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: false)
        defer { try? FileManager.default.removeItem(at: directory) }
        let path = directory.appending(path: "access.log")
        let moved = directory.appending(path: "access.log.1")
        let file = AccessLogFile(path.path)
        #expect(file.write([1]).failure != nil)
        try file.open()
        #expect(file.write(Array("one\n".utf8)) == (4, nil))
        try FileManager.default.moveItem(at: path, to: moved)
        #expect(file.write(Array("two\n".utf8)) == (4, nil))
        try file.open()
        #expect(file.write(Array("three\n".utf8)) == (6, nil))
        #expect(try String(contentsOf: moved, encoding: .utf8) == "one\ntwo\n")
        #expect(try String(contentsOf: path, encoding: .utf8) == "three\n")
        let mode = try #require(FileManager.default.attributesOfItem(atPath: path.path)[.posixPermissions] as? NSNumber)
        #expect(mode.intValue & 0o137 == 0)
        // What was open stays open.
        try FileManager.default.moveItem(at: path, to: directory.appending(path: "access.log.2"))
        try FileManager.default.createDirectory(at: path, withIntermediateDirectories: false)
        let trouble = #expect(throws: AccessLogTrouble.self) { try file.open() }
        #expect(trouble?.path == path.path && trouble?.reason.isEmpty == false)
        #expect(file.write(Array("four\n".utf8)) == (5, nil))
    }
}
