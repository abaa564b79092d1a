import StreamCore
import StreamHTTP
import Testing

@Suite("Header fields that are stored for the plain form")
struct PlainResponseFieldsTests {
    @Test("are told apart by commas, and kept in one order with names in lower case")
    func parsing() throws {
        let fields = try #require(PlainResponseFields.parse("X-Vercel-AI-UI-Message-Stream: v1 ,x-a:b: c"))
        #expect(fields.map(\.name) == ["x-a", "x-vercel-ai-ui-message-stream"])
        #expect(fields.map(\.value) == ["b: c", "v1"])
        #expect(PlainResponseFields.text(fields) == "x-a: b: c, x-vercel-ai-ui-message-stream: v1")
        #expect(PlainResponseFields.parse(PlainResponseFields.text(fields)) == fields)
    }

    @Test("are an application's, few and small")
    func refused() {
        for bad in [
            "", "x-a", "x-a:", "x-a: ", "x-a: 1,", "x-a: 1, X-A: 2", "x-: 1", "a: 1", "x-a: \u{7F}", "x-a: ü",
            "x-\u{20}a: 1",
            "content-type: text/html", "cache-control: no-cache", "set-cookie: a=b", "access-control-allow-origin: *",
            "content-security-policy: x", "stream-closed: true", "location: /", "x-accel-buffering: yes",
            "x-sendfile: /etc/passwd", "x-frame-options: DENY", "x-content-type-options: none", "x-webkit-csp: x",
            "x-forwarded-for: 1", "x-robots-tag: noindex", "x-a: " + String(repeating: "1", count: 1022),
            (0..<9).map { "x-\($0): 1" }.joined(separator: ","),
        ] {
            #expect(PlainResponseFields.parse(bad) == nil, "\(bad.prefix(80))")
        }
        #expect(PlainResponseFields.parse((0..<8).map { "x-\($0): 1" }.joined(separator: ","))?.count == 8)
        #expect(PlainResponseFields.parse("x-a: " + String(repeating: "1", count: 1021)) != nil)
    }
}
