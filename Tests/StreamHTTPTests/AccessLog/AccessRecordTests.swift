import Logging
import NIOCore
import PrintableText
import StoreSuite
import StreamCore
import Testing

@testable import StreamHTTP

@Suite("What the access log says of a request")
struct AccessRecordTests {
    private final class Lines: AccessLogOutput {
        let name = "memory"
        private let stream: AsyncStream<[UInt8]>
        private let writing: AsyncStream<[UInt8]>.Continuation

        init() { (stream, writing) = AsyncStream.makeStream(of: [UInt8].self) }

        func open() throws(AccessLogTrouble) {}

        func write(_ bytes: [UInt8]) -> (count: Int, failure: String?) {
            writing.yield(bytes)
            return (bytes.count, nil)
        }

        /// The next lines, once they are written.
        func next(_ count: Int) async -> [String] {
            var bytes: [UInt8] = []
            var iterator = stream.makeAsyncIterator()
            while bytes.count(where: { $0 == UInt8(ascii: "\n") }) < count {
                guard let more = await iterator.next(isolation: #isolation) else { break }
                bytes += more
            }
            return String(decoding: bytes, as: UTF8.self).split(separator: "\n").map { String($0) }
        }
    }

    private let lines = Lines()
    private let time = ManualTime()
    private let log: AccessLog
    private let began = NIODeadline.now()

    init() throws {
        log = AccessLog(
            to: lines,
            proxies: TrustedProxies([try #require(IPNetwork(parsing: "10.0.0.1"))]),
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        )
    }

    private func record(_ head: RequestHead?, from peer: String = "192.0.2.1", sent: UInt64 = 0) -> AccessRecord {
        AccessRecord(of: head, from: peer, sent: sent, in: log, time: time, now: began) { $0 == "a-key" }
    }

    @Test("a request is one line")
    func one() async {
        let record = record(RequestHead(method: .GET, uri: "/v1/stream/a?token=secret"), sent: 100)
        record.subject = "reader"
        record.status = 200
        record.finish(.done, sent: 112, now: began + .milliseconds(34))
        // It is over once.
        record.finish(.error, sent: 200)
        record.begin()
        #expect(
            await lines.next(1) == [
                #"{"time":"2027-01-15T08:00:00.000Z","event":"request","address":"192.0.2.1","method":"GET","#
                    + #""path":"/v1/stream/a","status":200,"subject":"reader","bytes":12,"duration_ms":34,"end":"done"}"#
            ]
        )
    }

    @Test("one that goes on is two, of one number, and what was said first of its end holds")
    func two() async {
        for number in [1, 2] {
            let record = record(RequestHead(method: .POST, uri: "/v1/stream/a"))
            record.begin()
            record.begin()
            record.note(.expired)
            record.note(.left)
            record.status = 401
            record.finish(.done, sent: 7, now: began + .seconds(2))
            let common = #""address":"192.0.2.1","method":"POST","path":"/v1/stream/a","status""#
            #expect(
                await lines.next(2) == [
                    #"{"time":"2027-01-15T08:00:00.000Z","event":"begin",\#(common):null,"subject":null,"id":\#(number)}"#,
                    #"{"time":"2027-01-15T08:00:00.000Z","event":"end",\#(common):401,"subject":null,"id":\#(number),"#
                        + #""bytes":7,"duration_ms":2000,"end":"expired"}"#,
                ]
            )
        }
    }

    @Test("what never became a request has neither method nor path")
    func malformed() async throws {
        let record = record(nil)
        record.status = 400
        record.finish(.done, sent: 0)
        let line = try #require(await lines.next(1).first)
        #expect(line.contains(#""method":null,"path":null,"status":400,"#))
    }

    @Test("the address behind a trusted proxy, and the trace, are its own")
    func fields() async throws {
        let head = RequestHead(
            method: .GET,
            uri: "/",
            headers: [
                "X-Forwarded-For": "198.51.100.1, 192.0.2.9",
                "traceparent": "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
            ]
        )
        record(head, from: "10.0.0.1").finish(.done, sent: 0)
        record(head, from: "10.0.0.2").finish(.done, sent: 0)
        let found = await lines.next(2)
        #expect(found.allSatisfy { $0.contains(#","trace_id":"4bf92f3577b34da6a3ce929d0e0e4736","#) })
        #expect(found.first?.contains(#""address":"192.0.2.9""#) == true)
        #expect(found.last?.contains(#""address":"10.0.0.2""#) == true)
    }

    @Test("no line has a key, a query, or what drives a terminal")
    func harmless() async throws {
        let head = RequestHead(
            method: RequestMethod(rawValue: "GET\u{1B}[2J"),
            uri: "/v1/stream/\u{202E}\u{9B}\u{2066}\n/a-key/%61-key/\u{7F}?key=a-query#a-query"
        )
        let record = record(head)
        record.subject = "https://issuer.example#\u{202E}\r\n{\"end\":\"done\"}"
        record.finish(.done, sent: 0)
        let line = try #require(await lines.next(1).first)
        #expect(!line.contains("a-query") && !line.contains("a-key") && line.contains("(key)"))
        #expect(!line.unicodeScalars.contains(where: PrintableText.isCommand))
    }

    @Test("times sort as texts")
    func times() {
        #expect(AccessRecord.text(milliseconds: 0) == "1970-01-01T00:00:00.000Z")
        #expect(AccessRecord.text(milliseconds: 1_709_251_199_007) == "2024-02-29T23:59:59.007Z")
    }
}
