import AsyncHTTPClient
import Foundation
import Freshet
import FreshetServer
import Locks
import NIOCore
import NIOHTTP1
import Testing

@Suite("What a program decides ends, and is asked for again", .timeLimit(.minutes(10)))
struct DecisionEndTests {
    private struct Broken: Error {}

    /// Nothing but the end of a right ends a read of it.
    private static func server(
        _ authorise: @escaping @Sendable (RequestHead) async throws -> AccessDecision
    ) throws -> EmbeddedServer {
        try EmbeddedServerTests.server({ $0.values.core.longPoll = .seconds(3600) }, authorise: authorise)
    }

    /// Everybody may do everything, until the time that the request names.
    private static func until(_ request: RequestHead) -> AccessDecision {
        let until = request.header("X-Until").flatMap(Double.init).map(Date.init(timeIntervalSince1970:))
        return .allow("ann", [.init(.all)], until: until)
    }

    private static func until(in seconds: Int) -> [(String, String)] {
        [("X-Until", "\(Date.now.timeIntervalSince1970 + Double(seconds))")]
    }

    /// Until a decision was not over before the request was there, as it may be on a busy machine.
    private func attempt(_ body: (_ until: [(String, String)]) async throws -> Bool) async throws {
        for seconds in [2, 10, 60] {
            if try await body(Self.until(in: seconds)) { return }
        }
        Issue.record("No request was there before its decision was over.")
    }

    @Test("a native read is told, and a long-poll ends at its boundary")
    func reads() async throws {
        try await RunningServer.with(try Self.server { Self.until($0) }) { running async throws in
            try await running.streams.create("a").append("x")
            try await attempt { until in
                let response = try await running.open(.GET, "/v1/stream/a?as=sse", until)
                guard response.status == .ok else { return false }
                let text = String(buffer: try await response.body.collect(upTo: 1 << 20))
                #expect(text.contains("data: x\n"))
                #expect(text.hasSuffix("event: reconnect\nretry: 5000\ndata: {\"why\":\"expired\"}\n\n"))
                return true
            }
            try await attempt { until in
                let response = try await running.ask(.GET, "/v1/stream/a?offset=now&live=long-poll", until)
                guard response.status != 401 else { return false }
                #expect(response.status == 204 && response.headers.contains(name: "Stream-Next-Offset"))
                return true
            }
        }
    }

    @Test("a streaming append is 401, with what is kept of it")
    func append() async throws {
        try await RunningServer.with(try Self.server { Self.until($0) }) { running async throws in
            let stream = try await running.streams.create("a", .init(contentType: "text/plain"))
            try await attempt { until in
                let (parts, part) = AsyncStream<ByteBuffer>.makeStream()
                defer { part.finish() }
                part.yield(ByteBuffer(string: "kept"))
                let response = try await running.open(
                    .POST,
                    "/v1/stream/a",
                    until + [("Content-Type", "text/plain")],
                    body: .stream(parts, length: .unknown)
                )
                #expect(response.status == .unauthorized)
                let text = String(buffer: try await response.body.collect(upTo: 1 << 20))
                #expect(text.contains("urn:freshet:credential-expired"))
                guard let offset = response.headers.first(name: "Stream-Next-Offset") else { return false }
                #expect(try await stream.info()?.tail.description == offset)
                return true
            }
        }
    }

    @Test(
        "a time that has passed, or is none, lets nobody in",
        arguments: [
            ("0", 401), ("-1e300", 401), ("nan", 401), ("\(Date.now.timeIntervalSince1970 - 1)", 401), ("1e300", 200),
            ("inf", 200), ("\(Date.distantFuture.timeIntervalSince1970)", 200), ("9e18", 200),
        ]
    )
    func ends(until: String, status: Int) async throws {
        try await RunningServer.with(try Self.server { Self.until($0) }) { running async throws in
            try await running.streams.create("a").append("x")
            let answer = try await running.ask(.GET, "/v1/stream/a", [("X-Until", until)])
            #expect(answer.status == status)
            #expect(answer.body.contains("urn:freshet:credential-expired") == (status == 401))
            #expect((answer.headers.first(name: "WWW-Authenticate") == nil) == (status == 200))
        }
    }

    @Test("asked again, it ends what it refuses now, and nothing else")
    func again() async throws {
        let gone = Mutex<Set<String>>([])
        let server = try Self.server { request in
            guard let user = request.header("X-User") else { return .refuse }
            if user == "eve", gone.withLock({ !$0.isEmpty }) { throw Broken() }
            return gone.withLock { $0.contains(user) } ? .refuse : .allow(user, [.init(.all)])
        }
        try await RunningServer.with(server) { running async throws in
            let stream = try await running.streams.create("a")
            try await stream.append("x")
            func reader(_ user: String) async throws -> HTTPClientResponse {
                let response = try await running.open(.GET, "/v1/stream/a?as=sse", [("X-User", user)])
                #expect(response.status == .ok)
                return response
            }
            let (ann, bob, eve) = (try await reader("ann"), try await reader("bob"), try await reader("eve"))
            await server.authoriseAgain()
            gone.withLock { $0 = ["ann"] }
            await server.authoriseAgain()
            let farewell = String(buffer: try await ann.body.collect(upTo: 1 << 20))
            #expect(farewell.hasSuffix("event: reconnect\nretry: 5000\ndata: {\"why\":\"revoked\"}\n\n"))
            try await stream.append("y")
            try await stream.end()
            for other in [bob, eve] {
                let text = String(buffer: try await other.body.collect(upTo: 1 << 20))
                #expect(text.contains("data: y\n") && text.contains(#"{"reason":"done"}"#))
            }
            #expect(try await running.ask(.GET, "/v1/stream/a", [("X-User", "ann")]).status == 401)
        }
    }

    @Test("asked again, it may say another end")
    func newEnd() async throws {
        let isOver = Mutex(false)
        let server = try Self.server { _ in
            .allow("ann", [.init(.read)], until: isOver.withLock(\.self) ? .distantPast : .distantFuture)
        }
        try await RunningServer.with(server) { running async throws in
            try await running.streams.create("a").append("x")
            let response = try await running.open(.GET, "/v1/stream/a?as=sse")
            #expect(response.status == .ok)
            isOver.withLock { $0 = true }
            await server.authoriseAgain()
            let text = String(buffer: try await response.body.collect(upTo: 1 << 20))
            #expect(text.hasSuffix("data: {\"why\":\"expired\"}\n\n"))
        }
    }

    @Test("a request that was let in by an answer from before is asked about too")
    func meanwhile() async throws {
        let isGone = Mutex(false)
        let (arrivals, arrived) = AsyncStream<Void>.makeStream()
        let (releases, release) = AsyncStream<Void>.makeStream()
        let server = try Self.server { _ in
            if isGone.withLock(\.self) { return .refuse }
            arrived.yield()
            for await _ in releases { break }
            return .allow("ann", [.init(.read)])
        }
        try await RunningServer.with(server) { running async throws in
            try await running.streams.create("a").append("x")
            async let response = running.open(.GET, "/v1/stream/a?as=sse")
            for await _ in arrivals { break }
            isGone.withLock { $0 = true }
            await server.authoriseAgain()
            release.yield()
            let text = String(buffer: try await response.body.collect(upTo: 1 << 20))
            #expect(text.hasSuffix("data: {\"why\":\"revoked\"}\n\n"))
        }
    }

    @Test("a server that does not run, or asks no program, has nobody to ask")
    func nobody() async throws {
        let idle = try Self.server { _ in .refuse }
        await idle.authoriseAgain()
        try await RunningServer.with(try EmbeddedServerTests.server()) { running async throws in
            let stream = try await running.streams.create("a")
            let response = try await running.open(.GET, "/v1/stream/a?as=sse")
            await running.server.authoriseAgain()
            try await stream.end()
            #expect(String(buffer: try await response.body.collect(upTo: 1 << 20)).contains(#"{"reason":"done"}"#))
        }
    }
}
