import StoreSuite
import Testing

@testable import StreamHTTP

@Suite("Answers as bytes")
struct ResponseEncoderTests {
    private let date = "Date: Fri, 15 Jan 2027 08:00:00 GMT\r\n"

    @Test("a response with its length")
    func length() {
        let response = Response(200, headers: [HeaderField("Content-Type", "text/plain")], body: Array("hi".utf8))
        let head = "HTTP/1.1 200 OK\r\n\(date)Content-Type: text/plain\r\nContent-Length: 2\r\n"
        #expect(encode(response) == head + "\r\nhi")
        #expect(encode(response, closes: true) == head + "Connection: close\r\n\r\nhi")
        #expect(encode(response, to: .init(isHead: true)) == head + "\r\n")
    }

    @Test("204 and 304 have no body and no length", arguments: [204, 304])
    func bodiless(status: Int) {
        let bytes = encode(Response(status, body: Array("no".utf8)))
        #expect(bytes.hasSuffix("\(date)\r\n"))
        #expect(!bytes.contains("Content-Length"))
    }

    @Test("a HEAD whose body nobody made gives no length: it would not be that of a GET (RFC 9110, section 8.6)")
    func unknownLength() {
        #expect(!encode(Response(200), to: .init(isHead: true)).contains("Content-Length"))
        #expect(encode(Response(200)).contains("Content-Length: 0\r\n"))
    }

    @Test("to HTTP/1.0 the connection that stays open is named, and a stream has no chunks")
    func http10() {
        let old = ResponseEncoder.Request(isHTTP10: true)
        #expect(
            encode(Response(204), to: old) == "HTTP/1.0 204 No Content\r\n\(date)Connection: keep-alive\r\n\r\n"
        )
        let stream = Response(200, body: Array(": ok\n\n".utf8), framing: .stream)
        #expect(encode(stream, to: old) == "HTTP/1.0 200 OK\r\n\(date)Connection: close\r\n\r\n: ok\n\n")
    }

    @Test("a stream that happens to be whole is chunked, and the connection closes")
    func stream() {
        let stream = Response(200, body: Array(": ok\n\n".utf8), framing: .stream)
        #expect(
            encode(stream)
                == "HTTP/1.1 200 OK\r\n\(date)Transfer-Encoding: chunked\r\nConnection: close\r\n\r\n"
                + "6\r\n: ok\n\n\r\n0\r\n\r\n"
        )
    }

    @Test("a value that quotes a line end forges no header")
    func splitting() {
        let bytes = encode(Response(204, headers: [HeaderField("Location", "/a\r\nSet-Cookie: b=c\u{0}\u{7F}\td")]))
        #expect(bytes.contains("Location: /aSet-Cookie: b=c\td\r\n"))
    }

    @Test("a problem is a JSON document with its status and what to do")
    func problem() {
        let problem = Problem(
            409,
            "a-code",
            title: "A \"title\".",
            detail: "Do this.",
            headers: [HeaderField("Retry-After", "1")]
        )
        let response = Response(problem)
        #expect(response.status == 409)
        #expect(
            String(decoding: response.body, as: UTF8.self)
                == #"{"type":"urn:freshet:a-code","title":"A \"title\".","status":409,"detail":"Do this."}"# + "\n"
        )
        #expect(
            response.headers == [
                HeaderField("Content-Type", "application/problem+json"), HeaderField("Cache-Control", "no-store"),
                HeaderField("Retry-After", "1"),
            ]
        )
    }

    @Test("fields that most responses end with are the same bytes, written as one piece or field by field")
    func prepared() {
        let common = [HeaderField("Vary", "Accept, Origin"), HeaderField("X-Content-Type-Options", "nosniff\r\n")]
        let own = [HeaderField("Stream-Next-Offset", "1"), common[0]]
        for headers in [own + common, common, own, [], [common[1]], common + own, common.reversed()] {
            for status in [200, 204, 404] {
                let response = Response(status, headers: headers, body: Array("x".utf8))
                let others = Response(status, headers: Array(headers.dropLast()), body: Array("x".utf8))
                var encoder = ResponseEncoder(time: ManualTime(), prepared: common)
                for response in [response, others, response] {
                    let bytes = encoder.encode(response, to: .init(), closes: false)
                    #expect(String(decoding: bytes, as: UTF8.self) == encode(response))
                }
            }
        }
    }

    private func encode(
        _ response: Response,
        to request: ResponseEncoder.Request = .init(),
        closes: Bool = false
    ) -> String {
        var encoder = ResponseEncoder(time: ManualTime())
        return String(decoding: encoder.encode(response, to: request, closes: closes), as: UTF8.self)
    }
}
