import NIOCore
import StreamCore
import Testing
import Tracing

@testable import FreshetTraces
@testable import StreamHTTP

@Suite("What a trace says of a request")
struct RequestSpanTests {
    private let queue = SpanQueue()

    private func span(_ head: RequestHead, route: String? = nil) -> RequestSpan {
        let tracer = SpanTracer(to: queue, Sampler(share: 1))
        return RequestSpan(of: head, route: route, by: tracer) { $0 == "a-key" }
    }

    private func finished() throws -> FinishedSpan { try #require(queue.all().first) }

    @Test("is its method, its route, its path without the query, whom it asked, and what it came to")
    func whole() throws {
        var head = RequestHead(
            method: .GET,
            uri: "/v1/stream/a-key/b?token=secret",
            authority: "streams.example:8443",
            headers: ["Authorization": "Bearer secret", "Cookie": "secret"],
            version: "2"
        )
        head.isSecure = true
        let span = span(head, route: "/v1/stream/{name}")
        span.status = 200
        span.finish(.done)
        let told = try finished()
        #expect(told.name == "GET /v1/stream/{name}")
        #expect(told.kind == .server)
        #expect(told.status == nil)
        let expected: SpanAttributes = [
            "http.request.method": "GET", "http.route": "/v1/stream/{name}", "url.path": "/v1/stream/(key)/b",
            "url.scheme": "https", "network.protocol.name": "http", "network.protocol.version": "2",
            "server.address": "streams.example", "server.port": 8443, "http.response.status_code": 200,
            "freshet.end": "done",
        ]
        #expect(told.attributes == expected)
    }

    @Test("a method that nobody knows is one, and so is a path without a route")
    func unknown() throws {
        let span = span(RequestHead(method: RequestMethod(rawValue: "BREW"), uri: "/pot"))
        span.finish(.left)
        let told = try finished()
        #expect(told.name == "HTTP")
        #expect(told.text("http.request.method") == "_OTHER" && told.text("http.request.method_original") == "BREW")
        #expect(told.text("http.route") == nil && told.text("http.response.status_code") == nil)
        #expect(told.text("server.address") == nil)
    }

    @Test("why a read is over is what was said first, and only the server's failures are errors")
    func ends() throws {
        for (status, end, error) in [
            (200, .left, nil), (200, .failed, nil), (404, .done, nil), (401, .expired, nil), (200, .drained, nil),
            (200, .evicted, "evicted"), (200, .stopped, "stopped"), (503, .done, "503"), (200, .store, "store"),
            (200, .error, "error"), (200, .overloaded, "overloaded"),
        ] as [(Int, AccessEnd, String?)] {
            let span = span(RequestHead(method: .GET, uri: "/v1/stream/a"))
            span.status = status
            span.note(end)
            span.finish(.done)
            span.finish(.error)
            let told = try finished()
            #expect(told.text("freshet.end") == end.rawValue)
            #expect(told.text("error.type") == error)
            #expect(told.status == (error == nil ? nil : SpanStatus(code: .error)), "\(end)")
            #expect(queue.all().isEmpty)
        }
    }

    @Test("is the child of the span that called, and what it begins is its child")
    func parent() throws {
        let trace = "4bf92f3577b34da6a3ce929d0e0e4736"
        let head = RequestHead(method: .GET, uri: "/", headers: ["traceparent": "00-\(trace)-00f067aa0ba902b7-01"])
        let span = span(head)
        let context = span.context
        span.finish(.done)
        let told = try finished()
        #expect("\(told.identity.trace)" == trace)
        #expect(told.parent.map { "\($0.span)" } == "00f067aa0ba902b7")
        #expect(context.spanIdentity == told.identity)
        #expect(span.traceID == trace)
        #expect(self.span(RequestHead(method: .GET, uri: "/")).traceID?.utf8.count == 32)
    }

    @Test("a key that stands in the trace's state is in no trace")
    func stateWithKey() throws {
        let parent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
        for (state, told) in [("a=1", "a=1"), ("b=2, a=a-key", nil), ("a-key=1", nil)] as [(String, String?)] {
            let head = RequestHead(method: .GET, uri: "/", headers: ["traceparent": parent, "tracestate": state])
            span(head).finish(.done)
            let span = try finished()
            #expect(span.identity.state == told && span.parent != nil)
        }
    }

    @Test(
        "whom a client asked is a host and a port",
        arguments: [
            ("localhost", "localhost", 80), ("a.example:8080", "a.example", 8080), ("[::1]:90", "::1", 90),
            ("[::1]", "::1", 80), ("a.example:", "a.example", 80), ("", nil, 0), ("user@a", nil, 0), ("a:x", nil, 0),
            (":80", nil, 0), ("a:99999", nil, 0), ("a b", nil, 0),
        ] as [(String, String?, Int)]
    )
    func addresses(authority: String, host: String?, port: Int) {
        let address = RequestedAddress(authority, isSecure: false)
        #expect(address?.host == host)
        if host != nil { #expect(address?.port == port) }
        #expect(RequestedAddress("a", isSecure: true)?.port == 443)
    }
}
