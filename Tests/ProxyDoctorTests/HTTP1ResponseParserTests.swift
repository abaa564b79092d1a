import Testing

@testable import ProxyDoctor

@Suite struct HTTP1ResponseParserTests {
    private struct Reading: Equatable {
        var head: ResponseHead?
        var body = ""
        var isComplete = false
        var trouble: String?
        var end: ResponseEnd
    }

    private func read(_ text: String, every count: Int) -> Reading {
        var parser = HTTP1ResponseParser()
        var reading = Reading(end: .open)
        let bytes = Array(text.utf8)
        for start in stride(from: 0, to: bytes.count, by: count) {
            for output in parser.parse(bytes[start..<min(bytes.count, start + count)]) {
                switch output {
                case .head(let head): reading.head = head
                case .body(let body): reading.body += String(decoding: body, as: UTF8.self)
                case .complete: reading.isComplete = true
                case .malformed(let reason): reading.trouble = reason
                }
            }
        }
        reading.end = parser.close()
        return reading
    }

    /// The reading of a text, the same however it is cut.
    private func read(_ text: String) -> Reading {
        let whole = read(text, every: .max - 1)
        for count in 1...min(40, text.utf8.count) { #expect(read(text, every: count) == whole) }
        return whole
    }

    @Test func aChunkedBodyIsReadToItsLastChunk() {
        let reading = read(
            "HTTP/1.1 200 OK\r\nX: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\nA;x=y\r\n0123456789\r\n0\r\nT: 1\r\n\r\n"
        )
        #expect(reading.head?.status == 200)
        #expect(reading.head?["x"] == "a")
        #expect(reading.body == "abc0123456789")
        #expect(reading.isComplete)
        #expect(reading.end == .complete)
    }

    @Test(arguments: ["", "3\r\nab", "3\r\nabc\r\n", "0\r\n"]) func aChunkedBodyThatStopsIsTorn(rest: String) {
        let reading = read("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n\(rest)")
        #expect(reading.end == .torn("closed before the last chunk"))
        #expect(!reading.isComplete)
    }

    @Test(arguments: ["x\r\n", "3\r\nabcd\r\n", "-1\r\n", "0\r\nno field\r\n"]) func chunksThatAreNoneAreTold(
        rest: String
    ) {
        #expect(read("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n\(rest)").trouble != nil)
    }

    @Test func aLengthIsHeeded() {
        let whole = read("HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\nabc")
        #expect(whole.body == "abc" && whole.isComplete)
        #expect(
            read("HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nabc").end
                == .torn("closed with 1 bytes of Content-Length missing")
        )
        #expect(read("HTTP/1.1 204 No Content\r\n\r\n").isComplete)
        #expect(read("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").isComplete)
    }

    @Test func withoutFramingTheConnectionIsTheEnd() {
        let reading = read("HTTP/1.0 200 OK\r\n\r\nabc")
        #expect(reading.head?.version == "1.0")
        #expect(reading.body == "abc")
        #expect(reading.end == .closeDelimited)
    }

    @Test func anInterimResponseIsPassedOver() {
        #expect(
            read("HTTP/1.1 103 Early Hints\r\nlink: x\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").head?.status
                == 200
        )
    }

    @Test(arguments: ["SSH-2.0-OpenSSH_9.2\r\n\r\n", "HTTP/2 200 OK\r\n\r\n", "HTTP/1.1 OK\r\n\r\n"])
    func whatIsNoHTTPIsTold(text: String) {
        #expect(read(text).trouble?.contains("not with HTTP/1") == true)
    }

    @Test func nothingIsAnEndToo() {
        #expect(HTTP1ResponseParserTests().read("HTTP/1.1 200 OK\r\n").end == .torn("closed within the head"))
        var parser = HTTP1ResponseParser()
        #expect(parser.close() == .torn("closed without a response"))
    }
}
