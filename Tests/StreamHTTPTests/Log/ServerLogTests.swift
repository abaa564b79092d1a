import Locks
import Logging
import StoreSuite
import StreamCore
import Testing

@testable import StreamHTTP

@Suite("What the log says")
struct ServerLogTests {
    private final class Lines: Sendable {
        let lines = Mutex<[(message: String, metadata: Logger.Metadata)]>([])
    }

    private struct Handler: LogHandler {
        let lines: Lines
        var logLevel = Logger.Level.info
        var metadata: Logger.Metadata = [:]
        subscript(metadataKey key: String) -> Logger.Metadata.Value? {
            get { metadata[key] }
            set { metadata[key] = newValue }
        }

        func log(event: LogEvent) {
            lines.lines.withLock { $0.append(("\(event.message)", event.metadata ?? [:])) }
        }
    }

    private let lines = Lines()
    private let time = ManualTime()

    private var log: ServerLog { ServerLog(Logger(label: "test") { _ in Handler(lines: lines) }, time: time) }

    private func head(_ uri: String) -> RequestHead { RequestHead(method: .GET, uri: uri) }

    @Test("a failed request is a line with what was asked and what it came to; one that went well is none")
    func failed() {
        let log = log
        log.failed(head("/v1/stream/a"), status: 200, problem: nil, from: "::1")
        log.failed(head("/v1/stream/a?key=secret"), status: 404, problem: "no-such-stream", from: "::1")
        log.failed(nil, status: 400, problem: "malformed", from: "::1")
        let told = lines.lines.withLock { $0.map { $0.metadata.mapValues { "\($0)" } } }
        #expect(
            told == [
                [
                    "method": "GET", "path": "/v1/stream/a", "status": "404", "problem": "no-such-stream",
                    "address": "::1",
                ], ["status": "400", "problem": "malformed", "address": "::1"],
            ]
        )
    }

    @Test("the trace of a failed request is in its line, where it has one")
    func trace() {
        let log = log
        let trace = "4bf92f3577b34da6a3ce929d0e0e4736"
        for value in ["00-\(trace)-00f067aa0ba902b7-01", "00-\(trace)-00f067aa0ba902b7"] {
            let head = RequestHead(method: .GET, uri: "/", headers: ["traceparent": value])
            log.failed(head, status: 404, problem: nil, from: "a")
        }
        #expect(lines.lines.withLock { $0.map { $0.metadata["trace_id"].map { "\($0)" } } } == [trace, nil])
    }

    @Test("of a flood some lines are written, each kind for itself, and then how many were left out")
    func flood() {
        let log = log
        for _ in 0..<500 { log.failed(head("/x"), status: 404, problem: nil, from: "a") }
        log.evicted(.known("s"), form: "sse", from: "a")
        #expect(lines.lines.withLock(\.count) == LogThrottle.burst + 1)
        log.tellLeftOut()
        #expect(lines.lines.withLock(\.count) == LogThrottle.burst + 1)
        time.advance(by: .seconds(1))
        log.tellLeftOut()
        log.tellLeftOut()
        let last = lines.lines.withLock { $0.last?.metadata.mapValues { "\($0)" } }
        #expect(last == ["kind": "failed requests", "left-out": "\(500 - LogThrottle.burst)"])
        #expect(lines.lines.withLock(\.count) == LogThrottle.burst + 2)
    }

    @Test("of a target the path alone is told, without a command for the terminal, and not all of a long one")
    func paths() {
        #expect(LoggedText.path(of: "/a/b?key=secret#c") == "/a/b")
        #expect(LoggedText.path(of: "/a#secret") == "/a")
        #expect(LoggedText.path(of: "http://user:secret@host/a?secret") == "/a")
        #expect(LoggedText.path(of: "http://user:secret@host") == "-")
        #expect(LoggedText.path(of: "user:secret@host:80") == "-")
        #expect(LoggedText.path(of: "*") == "*")
        #expect(LoggedText.path(of: "") == "-")
        #expect(LoggedText.path(of: "/a\u{9B}2J\u{202E}\n") == #"/a\u{9B}2J\u{202E}\u{A}"#)
        #expect(LoggedText.path(of: "/" + String(repeating: "a", count: 500)).utf8.count < 210)
        #expect(LoggedText.path(of: "/a/k%65y/b") { $0 == "key" } == "/a/(key)/b")
        // Half a character is none.
        #expect(LoggedText.short("aé", 2) == "a\u{FFFD}…")
    }

    @Test(
        "a key is masked also where punctuation divides it from the rest of its segment",
        arguments: [
            ("/v1/stream/KEY.json", "/v1/stream/(key).json"), ("/key=KEY", "/key=(key)"), ("/a:KEY", "/a:(key)"),
            ("/a,KEY;b&KEY", "/a,(key);b&(key)"), ("/KEY=/b", "/(key)=/b"), ("/a.x.y==.json", "/a.(key).json"),
            ("/x.y==", "/(key)"), ("/KEY%2Ejson", "/(key)"), ("/a%3dK%45Y", "/(key)"), ("/aKEY.b", "/aKEY.b"),
            ("/a.b%20c=d", "/a.b%20c=d"), ("/..;=", "/..;="),
        ]
    )
    func keysInSegments(uri: String, told: String) {
        #expect(LoggedText.path(of: uri) { $0 == "KEY" || $0 == "x.y==" } == told)
    }

    @Test("what it costs to look for keys in a path is bounded, and what is told has none")
    func costOfKeys() {
        var asked = 0
        let long = "/" + String(repeating: "a.", count: 195 / 2) + "KEY." + String(repeating: "a./", count: 5000)
        let told = LoggedText.path(of: long) { word in
            asked += 1
            return word == "KEY"
        }
        #expect(!told.contains("KE") && asked < 2000)
    }
}
