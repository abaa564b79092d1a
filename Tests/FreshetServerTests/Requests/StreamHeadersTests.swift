import StreamCore
import StreamHTTP
import Testing

@testable import FreshetServer

@Suite("What header fields say about a stream")
struct StreamHeadersTests {
    @Test("a lease is whole seconds, up to a year")
    func lease() throws {
        #expect(try headers(("Stream-Lease", "60")).leaseSeconds() == 60)
        #expect(try headers(("stream-lease", " 31536000\t")).leaseSeconds() == 31_536_000)
        #expect(try headers().leaseSeconds() == nil)
        for bad in ["0", "-1", "+5", "1.5", "007", "", "31536001", "1e3", "٣", "99999999999999999999"] {
            #expect(throws: Problem.self, "\(bad)") { try headers(("Stream-Lease", bad)).leaseSeconds() }
        }
        #expect(throws: Problem.self) { try headers(("Stream-Lease", "1"), ("Stream-Lease", "1")).leaseSeconds() }
    }

    @Test("an expiry is a number of seconds or a moment, never both")
    func expiry() throws {
        #expect(try headers(("Stream-TTL", "3600")).expiry() == .idle(seconds: 3600))
        #expect(
            try headers(("Stream-Expires-At", "2027-01-15T08:00:00Z")).expiry()
                == .at(wallMilliseconds: 1_800_000_000_000)
        )
        #expect(try headers().expiry() == nil)
        for bad in ["-1", "+1", "01", "1.0", "1e3", "", "99999999999"] {
            #expect(throws: Problem.self, "\(bad)") { try headers(("Stream-TTL", bad)).expiry() }
        }
        #expect(throws: Problem.self) { try headers(("Stream-Expires-At", "tomorrow")).expiry() }
        #expect(throws: Problem.self) {
            try headers(("Stream-TTL", "1"), ("Stream-Expires-At", "2027-01-15T08:00:00Z")).expiry()
        }
    }

    @Test("retention names each bound once")
    func retention() throws {
        #expect(
            try headers(("Stream-Retention", "age=60, bytes=1000,events=5")).retention()
                == Retention(seconds: 60, bytes: 1000, events: 5)
        )
        #expect(try headers(("Stream-Retention", "events=1")).retention() == Retention(events: 1))
        for bad in ["", "events", "events=0", "events=-1", "events=1,events=2", "other=1", "events=1,", "events==1"] {
            #expect(throws: Problem.self, "\(bad)") { try headers(("Stream-Retention", bad)).retention() }
        }
    }

    @Test("a producer is all three fields or none")
    func producer() throws {
        let all = [("Producer-Id", "p"), ("Producer-Epoch", "0"), ("Producer-Seq", "9007199254740991")]
        #expect(
            try headers(all).producer() == ProducerStamp(id: "p", epoch: 0, sequence: 9_007_199_254_740_991)
        )
        #expect(try headers().producer() == nil)
        for missing in 0..<3 {
            var some = all
            some.remove(at: missing)
            #expect(throws: Problem.self) { try headers(some).producer() }
        }
        for bad in ["-1", "1.5", "", "9007199254740992", "x"] {
            #expect(throws: Problem.self, "\(bad)") {
                try headers(("Producer-Id", "p"), ("Producer-Epoch", "0"), ("Producer-Seq", bad)).producer()
            }
        }
        #expect(throws: Problem.self) {
            try headers(("Producer-Id", ""), ("Producer-Epoch", "0"), ("Producer-Seq", "0")).producer()
        }
    }

    @Test("only Stream-Closed: true closes, and only what closes has a reason")
    func end() throws {
        #expect(try headers(("Stream-Closed", "TRUE")).end() == EndRequest(.done))
        #expect(try headers(("Stream-Closed", "false")).end() == nil)
        #expect(try headers(("Stream-Closed", "1")).end() == nil)
        #expect(
            try headers(("Stream-Closed", "true"), ("Stream-End-Reason", "failed"), ("Stream-End-Detail", "why")).end()
                == EndRequest(.failed, detail: "why")
        )
        for bad in ["cancelled", "abandoned", "Done", ""] {
            #expect(throws: Problem.self, "\(bad)") {
                try headers(("Stream-Closed", "true"), ("Stream-End-Reason", bad)).end()
            }
        }
        #expect(throws: Problem.self) { try headers(("Stream-End-Reason", "done")).end() }
        #expect(throws: Problem.self) {
            try headers(("Stream-Closed", "true"), ("Stream-End-Detail", String(repeating: "x", count: 1025))).end()
        }
    }

    @Test("a media type, with its parameters")
    func contentType() throws {
        #expect(try headers(("Content-Type", "text/plain; charset=utf-8")).contentType()?.kind == .text)
        #expect(try headers().contentType() == nil)
        for bad in ["text", "text/", "/plain", "text/pl ain", "text/plain, text/html", ""] {
            #expect(throws: Problem.self, "\(bad)") { try headers(("Content-Type", bad)).contentType() }
        }
    }

    private func headers(_ fields: (String, String)...) -> StreamHeaders { headers(fields) }

    private func headers(_ fields: [(String, String)]) -> StreamHeaders { StreamHeaders(RequestFields(fields)) }
}
