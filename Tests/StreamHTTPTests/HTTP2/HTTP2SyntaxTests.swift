import NIOCore
import NIOHPACK
import Testing

@testable import StreamHTTP

@Suite("Heads of HTTP/2")
struct HTTP2SyntaxTests {
    private func request(_ fields: [(String, String)], isEmpty: Bool = true) -> (
        head: RequestHead, flaw: RequestFailure?
    ) {
        let usual = [(":method", "GET"), (":scheme", "https"), (":path", "/a?b")]
        return HTTP2Syntax.head(HPACKHeaders(usual + fields), isEmpty: isEmpty)
    }

    @Test("A request's fields are those of HTTP/1, with the authority as Host and a cookie in one piece")
    func fields() {
        let (head, flaw) = request([
            (":authority", "a.example"), ("cookie", "a=b"), ("accept", "text/plain"), ("cookie", "c=d"),
        ])
        #expect(flaw == nil)
        #expect(head.method == .GET)
        #expect(head.uri == "/a?b")
        #expect(head.authority == "a.example")
        #expect(head.headers == [("Host", "a.example"), ("accept", "text/plain"), ("Cookie", "a=b; c=d")].fields)
        #expect(head.version == "2")
    }

    @Test(
        "What names the host is there once, or twice the same",
        arguments: [
            ([(":authority", "a")], true), ([("host", "a")], true), ([(":authority", "a"), ("host", "A")], true),
            ([], false), ([(":authority", "a"), ("host", "b")], false), ([("host", "a"), ("host", "a")], false),
            ([(":authority", "")], false),
        ] as [([(String, String)], Bool)]
    )
    func authority(fields: [(String, String)], isGood: Bool) {
        #expect((request(fields).flaw == nil) == isGood)
    }

    @Test("A body has the length that is told, or none that is known")
    func bodies() {
        let host = (":authority", "a")
        #expect(request([host]).head.body == .none)
        #expect(request([host], isEmpty: false).head.body == .openEnded)
        #expect(request([host, ("content-length", "0")], isEmpty: false).head.body == .none)
        #expect(request([host, ("content-length", "12")], isEmpty: false).head.body == .length(12))
        #expect(request([host, ("content-length", "12")]).head.body == .none)
    }

    @Test("A response has neither capitals, nor lines in a value, nor fields of a connection")
    func response() {
        let fields = [
            HeaderField("Content-Type", "text/plain"), HeaderField("Connection", "close"),
            HeaderField("X-Quoted", "a\r\nb: c"), HeaderField("Transfer-Encoding", "chunked"),
        ]
        let headers = HTTP2Syntax.headers(200, fields, date: "now", length: 3)
        let expected: HPACKHeaders = [
            ":status": "200", "date": "now", "content-type": "text/plain", "x-quoted": "ab: c", "content-length": "3",
        ]
        #expect(headers == expected)
    }

    @Test("A preface is told from a request at the first byte that differs")
    func preface() {
        let preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
        for count in 0..<preface.utf8.count {
            let begun = ByteBuffer(bytes: preface.utf8.prefix(count))
            #expect(HTTP2Preface.verdict(begun.readableBytesView) == .undecided)
        }
        #expect(HTTP2Preface.verdict(ByteBuffer(string: preface + "more").readableBytesView) == .http2)
        for text in ["PUT / HTTP/1.1\r\n", "G", "PRI * HTTP/1.1\r\n"] {
            #expect(HTTP2Preface.verdict(ByteBuffer(string: text).readableBytesView) == .http1)
        }
    }

    @Test("Streams of an address are counted in and out")
    func census() {
        let census = HTTP2StreamCensus(limit: 2)
        #expect(census.enter("a") && census.enter("a"))
        #expect(!census.enter("a"))
        #expect(census.enter("b"))
        census.leave("a")
        census.leave("a")
        #expect(census.enter("a"))
        let unbounded = HTTP2StreamCensus(limit: 0)
        for _ in 0..<10 { #expect(unbounded.enter("a")) }
    }
}

extension [(String, String)] {
    fileprivate var fields: RequestFields { RequestFields(self) }
}
