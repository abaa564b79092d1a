import Freshet
import Hummingbird
import NIOCore
import Testing

/// Puts a body of its own in the place of the connection's, one way or another.
private struct Rewrite: RouterMiddleware {
    let rewrite: @Sendable (Request) -> Request

    func handle(
        _ request: Request,
        context: BasicRequestContext,
        next: @concurrent (Request, BasicRequestContext) async throws -> Response
    ) async throws -> Response {
        try await next(rewrite(request), context)
    }
}

/// What a read that follows begins with, where its request has come through a middleware.
private func liveRead(_ query: String, through rewrite: @escaping @Sendable (Request) -> Request) async throws -> String
{
    try await RunningApp.with(heartbeat: .seconds(3600), middleware: Rewrite(rewrite: rewrite)) { app async throws in
        let stream = try await app.streams.create("a")
        let reader = try await app.send("GET /v1/stream/a?\(query) HTTP/1.1\r\nHost: localhost\r\n\r\n")
        while try app.readers(of: "a") != 1 { await Task.yield() }
        try await stream.append("there")
        let text = try await reader.read(until: "there")
        // Nothing is written that could fail: only the connection tells.
        while try app.readers(of: "a") != 0 { await Task.yield() }
        return text
    }
}

@Suite("Hummingbird sees a reader leave by the body of its request", .timeLimit(.minutes(10)))
struct WatchedBodyTests {
    @Test("A middleware that assigns a body leaves the connection known, however often it is a buffer")
    func assigned() async throws {
        let text = try await liveRead("as=sse&offset=now") { request in
            var request = request
            request.body = RequestBody(buffer: ByteBuffer())
            request.body = RequestBody(buffer: ByteBuffer())
            return request
        }
        #expect(text.contains("data: there"))
    }

    @Test("A sequence may be assigned too")
    func sequence() async throws {
        let text = try await liveRead("as=ndjson&offset=now") { request in
            var request = request
            request.body = RequestBody(asyncSequence: AsyncStream<ByteBuffer> { $0.finish() })
            return request
        }
        #expect(text.contains("there"))
    }

    // What `addRoutes` warns of. Hummingbird has no public word for whether it can watch a body, so that nothing here
    // can ask first; when one of these fails, it has, or watches every body, and the warning can go.

    @Test("It stops the program for a request that was made anew")
    func anew() async {
        let exit = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
            _ = try await liveRead("as=sse&offset=now") {
                Request(head: $0.head, body: RequestBody(buffer: ByteBuffer()))
            }
        }
        #expect(said(exit).contains("consumeWithInboundCloseHandler"))
    }

    @Test("It stops the program for a body that took the place of a sequence which was assigned before")
    func afterSequence() async {
        let exit = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
            _ = try await liveRead("live=long-poll&offset=now") { request in
                var request = request
                request.body = RequestBody(asyncSequence: AsyncStream<ByteBuffer> { $0.finish() })
                request.body = RequestBody(buffer: ByteBuffer())
                return request
            }
        }
        #expect(said(exit).contains("consumeWithInboundCloseHandler"))
    }

    private func said(_ exit: ExitTest.Result?) -> String {
        String(decoding: exit?.standardErrorContent ?? [], as: UTF8.self)
    }
}
