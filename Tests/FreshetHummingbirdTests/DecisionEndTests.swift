import Foundation
import Freshet
import FreshetHummingbird
import Hummingbird
import Locks
import Testing

@Suite("What a Hummingbird application decides ends, and is asked for again", .timeLimit(.minutes(10)))
struct DecisionEndTests {
    /// Everybody may do everything, until the time that the request names.
    private static func until(_ request: Request) -> AccessDecision {
        let until = request.headers[.authorization].flatMap(Double.init).map(Date.init(timeIntervalSince1970:))
        return .allow("ann", [.init(.all)], until: until)
    }

    /// What comes by a request whose decision ends after some seconds, to its end or as far as a text; again with more of
    /// them where that was before it was there, as it may be on a busy machine.
    private func answer(
        _ app: RunningApp,
        _ head: String,
        body: String = "\r\n",
        until end: String? = nil,
        isThere: (String) -> Bool
    ) async throws -> String {
        for seconds in [2.0, 10, 60] {
            let until = Date.now.timeIntervalSince1970 + seconds
            let request = "\(head)\r\nHost: localhost\r\nConnection: close\r\nAuthorization: \(until)\r\n"
            let text = try await app.send(request + body).read(until: end)
            if isThere(text) { return text }
        }
        Issue.record("No request was there before its decision was over.")
        return ""
    }

    private func run(_ body: @Sendable (RunningApp) async throws -> Void) async throws {
        try await RunningApp.with(longPollSeconds: 3600, authorise: { request, _ in Self.until(request) }, body)
    }

    @Test("a native read is told")
    func native() async throws {
        try await run { app async throws in
            try await app.streams.create("a").append("x")
            let text = try await answer(app, "GET /v1/stream/a?as=sse HTTP/1.1") {
                $0.hasPrefix("HTTP/1.1 200 ")
            }
            #expect(text.contains("data: x\n"))
            #expect(text.contains("event: reconnect\nretry: 5000\ndata: {\"why\":\"expired\"}\n\n"))
        }
    }

    @Test("a long-poll ends at its boundary")
    func longPoll() async throws {
        try await run { app async throws in
            try await app.streams.create("a").append("x")
            let text = try await answer(app, "GET /v1/stream/a?offset=now&live=long-poll HTTP/1.1") {
                !$0.hasPrefix("HTTP/1.1 401 ")
            }
            #expect(text.hasPrefix("HTTP/1.1 204 ") && text.lowercased().contains("\r\nstream-next-offset: "))
        }
    }

    @Test("a streaming append is 401, with what is kept of it")
    func append() async throws {
        try await run { app async throws in
            let stream = try await app.streams.create("a", .init(contentType: "text/plain"))
            let body = "Content-Type: text/plain\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nkept\r\n"
            let problem = "urn:freshet:credential-expired"
            let text = try await answer(app, "POST /v1/stream/a HTTP/1.1", body: body, until: problem) {
                $0.lowercased().contains("\r\nstream-next-offset: ")
            }
            #expect(text.hasPrefix("HTTP/1.1 401 ") && text.contains(problem))
            let tail = try #require(try await stream.info()?.tail.description)
            #expect(text.contains(": \(tail)\r\n"))
        }
    }

    @Test("a time that has passed lets nobody in")
    func past() async throws {
        try await run { app async throws in
            try await app.streams.create("a").append("x")
            let head = "GET /v1/stream/a HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nAuthorization:"
            let refused = try await app.send("\(head) \(Date.now.timeIntervalSince1970 - 1)\r\n\r\n").read()
            #expect(refused.hasPrefix("HTTP/1.1 401 ") && refused.contains("urn:freshet:credential-expired"))
            let taken = try await app.send("\(head) \(Date.distantFuture.timeIntervalSince1970)\r\n\r\n").read()
            #expect(taken.hasPrefix("HTTP/1.1 200 "))
        }
    }

    @Test("asked again, it ends what it refuses now, and nothing else")
    func again() async throws {
        let gone = Mutex<Set<String>>([])
        struct Broken: Error {}
        try await RunningApp.with(authorise: { request, _ in
            let user = request.headers[.authorization] ?? ""
            if user == "eve", gone.withLock({ !$0.isEmpty }) { throw Broken() }
            return gone.withLock { $0.contains(user) } ? .refuse : .allow(user, [.init(.all)])
        }) { app async throws in
            let stream = try await app.streams.create("a")
            func reader(_ user: String) async throws -> RawConnection {
                let fields = "Host: localhost\r\nAuthorization: \(user)\r\n"
                return try await app.send("GET /v1/stream/a?as=sse HTTP/1.1\r\n\(fields)\r\n")
            }
            let (ann, bob, eve) = (try await reader("ann"), try await reader("bob"), try await reader("eve"))
            while try await stream.info()?.readers != 3 { await Task.yield() }
            gone.withLock { $0 = ["ann"] }
            await app.freshet.authoriseAgain()
            #expect(try await ann.read().contains("event: reconnect\nretry: 5000\ndata: {\"why\":\"revoked\"}\n\n"))
            try await stream.append("y")
            try await stream.end()
            for other in [bob, eve] {
                let text = try await other.read()
                #expect(text.contains("data: y\n") && text.contains(#"{"reason":"done"}"#))
            }
        }
    }

    @Test("a request that was let in by an answer from before is asked about too")
    func meanwhile() async throws {
        let isGone = Mutex(false)
        let (arrivals, arrived) = AsyncStream<Void>.makeStream()
        let (releases, release) = AsyncStream<Void>.makeStream()
        try await RunningApp.with(authorise: { _, _ in
            if isGone.withLock(\.self) { return .refuse }
            arrived.yield()
            for await _ in releases { break }
            return .allow("ann", [.init(.read)])
        }) { app async throws in
            try await app.streams.create("a").append("x")
            let reader = try await app.send("GET /v1/stream/a?as=sse HTTP/1.1\r\nHost: localhost\r\n\r\n")
            for await _ in arrivals { break }
            isGone.withLock { $0 = true }
            await app.freshet.authoriseAgain()
            release.yield()
            #expect(try await reader.read().contains("data: {\"why\":\"revoked\"}\n\n"))
        }
    }
}
