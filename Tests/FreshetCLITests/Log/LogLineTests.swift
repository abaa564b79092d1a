import Foundation
import FreshetServer
import Locks
import Logging
import PrintableText
import Testing

@testable import FreshetCLI

@Suite("Lines of the log")
struct LogLineTests {
    private func line(_ message: String, _ metadata: Logger.Metadata) -> LogLine {
        LogLine(
            milliseconds: 1_796_000_000_123,
            level: .info,
            label: "freshet",
            message: message,
            metadata: metadata
        )
    }

    private func text(_ message: String, _ metadata: Logger.Metadata) -> String {
        String(decoding: line(message, metadata).bytes(as: .text), as: UTF8.self)
    }

    @Test("text has the time, the level, the message, and then what belongs to it, in order")
    func text() {
        #expect(
            text("A request failed.", ["status": .stringConvertible(404), "path": "/a"])
                == "2026-11-30T00:53:20.123Z info freshet: A request failed. path=/a status=404\n"
        )
        let quoted = text("x", ["b": "one two", "a": "", "c": "q\"\\", "d": "a=b"])
        #expect(quoted.hasSuffix(##" x a="" b="one two" c="q\"\\" d="a=b""## + "\n"))
    }

    @Test("whatever the parts say, it is one line without commands for a terminal", arguments: [LogFormat.text, .json])
    func hostile(format: LogFormat) {
        let bad = "a\r\nforged\u{9B}2J\u{202E}\u{2028}\u{1B}]0;x\u{7}\u{0}"
        let metadata: Logger.Metadata = [
            bad: .string(bad), "k": ["\u{2029}": "\(bad)"], "l": .array(["\(bad)"]),
        ]
        let bytes = line(bad, metadata).bytes(as: format)
        let written = String(decoding: bytes, as: UTF8.self)
        #expect(written.last == "\n")
        #expect(!written.dropLast().unicodeScalars.contains(where: PrintableText.isCommand))
    }

    @Test("JSON has numbers as numbers, and nothing passes for the time, the level or the message")
    func json() throws {
        let bytes = line(
            "x\u{1B}",
            ["status": .stringConvertible(404), "seconds": .stringConvertible(0.25), "message": "y", "path": "/é\"\n"]
        ).bytes(as: .json)
        let read = try #require(JSONSerialization.jsonObject(with: Data(bytes)) as? [String: Any])
        #expect(read["message"] as? String == "x\u{1B}")
        #expect(read["metadata.message"] as? String == "y")
        #expect(read["status"] as? Int == 404 && read["seconds"] as? Double == 0.25)
        #expect(read["path"] as? String == "/é\"\n")
        #expect(read["level"] as? String == "info" && read["time"] as? String == "2026-11-30T00:53:20.123Z")
    }

    @Test("who logs does not wait for who reads: what does not fit is left out and counted")
    func output() async {
        let reads = DispatchSemaphore(value: 0)
        let written = Mutex<[UInt8]>([])
        let output = LogOutput(.json) { bytes in
            reads.wait()
            written.withLock { $0 += bytes }
        }
        let long = line(String(repeating: "a", count: 100_000), [:])
        for _ in 0..<40 { output.put(long) }
        for _ in 0..<40 { reads.signal() }
        await output.flush()
        let lines = written.withLock { String(decoding: $0, as: UTF8.self).split(separator: "\n") }
        let told = lines.compactMap { line in
            (try? JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any])?["left-out"] as? Int
        }
        #expect(!told.isEmpty)
        #expect(lines.count - told.count + told.reduce(0, +) == 40)
        #expect(lines.count > 10)
    }
}
