import NIOCore
import NIOHTTP1
import ScriptedServer
import ServerSentEvents
import Testing

@testable import EventSource

/// The event source over real sockets.
@Suite struct TransportTests {
    private func quick(_ change: (inout EventSource.Configuration) -> Void = { _ in }) -> EventSource.Configuration {
        var configuration = EventSource.Configuration.freshet
        configuration.reconnectionTime = .milliseconds(5)
        change(&configuration)
        return configuration
    }

    private func events(_ source: EventSource) async throws -> (data: [String], others: [EventSource.Element]) {
        var data: [String] = []
        var others: [EventSource.Element] = []
        for try await element in source {
            if case .event(let event) = element { data.append(event.data) } else { others.append(element) }
        }
        return (data, others)
    }

    @Test(arguments: TransportUnderTest.allCases)
    func `A response cut at every byte arrives whole, nothing lost or doubled`(transport: TransportUnderTest)
        async throws
    {
        let blocks =
            (0..<20).map { "id: \($0)\ndata: word\($0)\n\n" } + ["event: end\nid: 20\ndata: {\"reason\":\"done\"}\n\n"]
        // Each connection continues after the id it is given and is cut a little later than the one before.
        try await ScriptedServer.run { index, request in
            let next = request.headers.first(name: "Last-Event-ID").map { Int($0)! + 1 } ?? 0
            let rest = blocks[next...].joined()
            let cut = String(rest.prefix(index + 1))
            return .events(cut, end: cut == rest ? .close : (index % 2 == 0 ? .abort : .close))
        } _: { server in
            // The first cuts leave no whole event, which counts as failing.
            let configuration = quick { $0.maximumBackoff = .milliseconds(5) }
            let (data, others) = try await events(transport.source(server.origin, configuration))
            #expect(data == (0..<20).map { "word\($0)" })
            #expect(others.last == .end(.init(reason: .done)))
            #expect(server.requests.count > 10)
        }
    }

    @Test(arguments: TransportUnderTest.allCases)
    func `A silent connection is left and taken up again where it was`(transport: TransportUnderTest) async throws {
        try await ScriptedServer.run { _, request in
            request.headers.contains(name: "Last-Event-ID")
                ? .events("event: end\ndata: {\"reason\":\"done\"}\n\n") : .events("id: 1\ndata: one\n\n", end: .stall)
        } _: { server in
            let configuration = quick { $0.idleTimeout = .milliseconds(50) }
            let (data, others) = try await events(transport.source(server.origin, configuration))
            #expect(data == ["one"])
            #expect(
                others.contains {
                    if case .reconnecting(let reconnection) = $0 { reconnection.reason == .idle } else { false }
                }
            )
            #expect(server.requests.last?.headers.first(name: "Last-Event-ID") == "1")
        }
    }

    @Test(arguments: TransportUnderTest.allCases)
    func `A reader who takes his time is not taken for a silent connection`(transport: TransportUnderTest) async throws
    {
        // Many reads long, so that reading stops while the reader pauses.
        let filler = String(repeating: "x", count: 1000)
        let body =
            (0..<2000).map { "id: \($0)\ndata: \(filler)\n\n" }.joined()
            + "event: end\ndata: {\"reason\":\"done\"}\n\n"
        try await ScriptedServer.run { _, request in
            request.uri == "/silent" ? .events(": ok\n\n", end: .stall) : .events(body)
        } _: { server in
            let configuration = quick { $0.idleTimeout = .milliseconds(300) }
            // On a busy machine the server itself may be silent for as long, but not each time.
            for _ in 0..<5 {
                let before = server.requests.count { $0.uri == "/" }
                var count = 0
                for try await element in transport.source(server.origin + "/", configuration) {
                    guard case .event = element else { continue }
                    count += 1
                    guard count == 1 else { continue }
                    // He is away until a connection that is silent, the control, has been left for it.
                    for try await element in transport.source(server.origin + "/silent", configuration) {
                        if case .reconnecting(let reconnection) = element, reconnection.reason == .idle { break }
                    }
                }
                if count == 2000, server.requests.count(where: { $0.uri == "/" }) == before + 1 { return }
            }
            Issue.record("each time it was taken for silent")
        }
    }

    @Test(arguments: TransportUnderTest.allCases)
    func `A server that is not there yet, then is overloaded, then serves, is waited for`(transport: TransportUnderTest)
        async throws
    {
        try await ScriptedServer.run { index, _ in
            switch index {
            case 0: .init(503, [("Retry-After", "0")], body: "busy")
            case 1: .init(200, [("Content-Type", "text/event-stream")], end: .abort)
            default: .events("data: x\n\nevent: end\ndata: {\"reason\":\"failed\",\"detail\":\"why\"}\n\n")
            }
        } _: { server in
            let (data, others) = try await events(transport.source(server.origin, quick()))
            #expect(data == ["x"])
            #expect(others.last == .end(.init(reason: .failed, detail: "why")))
            #expect(server.requests.count == 3)
        }
    }

    @Test func `A status that is none is a broken connection, after which it comes back`() async throws {
        try await ScriptedServer.run { index, _ in
            index == 0
                ? .init(99, [("Content-Type", "text/event-stream")], body: "data: no\n\n")
                : .events("data: x\n\nevent: end\ndata: {\"reason\":\"done\"}\n\n")
        } _: { server in
            let (data, _) = try await events(EventSource(url: server.origin, configuration: quick()))
            #expect(data == ["x"])
            #expect(server.requests.count == 2)
        }
    }

    @Test(arguments: TransportUnderTest.allCases)
    func `A refusal carries the problem that the server described`(transport: TransportUnderTest) async throws {
        try await ScriptedServer.run { _, _ in
            .init(403, [("Content-Type", "application/problem+json")], body: #"{"title":"No"}"#)
        } _: { server in
            await #expect {
                for try await _ in transport.source(server.origin, quick()) {}
            } throws: { error in
                let error = error as? EventSourceError
                return error?.status == 403 && error?.body == #"{"title":"No"}"#
            }
        }
    }

    @Test(arguments: TransportUnderTest.allCases)
    func `Nobody listening is reported when it is time to give up`(transport: TransportUnderTest) async throws {
        let configuration = quick {
            $0.givesUpAfter = .milliseconds(100)
            $0.maximumBackoff = .milliseconds(10)
        }
        await #expect {
            // Nobody listens on port 1, and no other test's server is given it, as it may be a port that was just free.
            try await drain(transport.source("http://127.0.0.1:1", configuration))
        } throws: { ($0 as? EventSourceError)?.code == .gaveUp }
    }

    @Test(arguments: TransportUnderTest.allCases)
    func `Credentials follow a redirect on the same origin only`(transport: TransportUnderTest) async throws {
        try await ScriptedServer.run { _, _ in
            .init(204)
        } _: { elsewhere in
            let target = elsewhere.origin
            try await ScriptedServer.run { index, _ in
                index == 0 ? .init(302, [("Location", "/here")]) : .init(302, [("Location", target + "/there")])
            } _: { server in
                let configuration = quick {
                    $0.headers = [("Authorization", "Bearer k"), ("Cookie", "c=1"), ("X-Mine", "1"), ("Accept", "x/y")]
                }
                _ = try await events(transport.source(server.origin, configuration))
                #expect(server.requests.map(\.uri) == ["/", "/here"])
                for request in server.requests {
                    #expect(request.headers["Authorization"] == ["Bearer k"])
                    #expect(request.headers["Accept"] == ["text/event-stream"])
                }
                let there = try #require(elsewhere.requests.first)
                #expect(!there.headers.contains(name: "Authorization"))
                #expect(!there.headers.contains(name: "Cookie"))
                #expect(there.headers["X-Mine"] == ["1"])
            }
        }
    }

    @Test(arguments: TransportUnderTest.allCases)
    func `More than eight streams of one host are read at the same time`(transport: TransportUnderTest) async throws {
        try await ScriptedServer.run { _, _ in
            .events("data: x\n\n", end: .stall)
        } _: { server in
            let origin = server.origin
            let configuration = quick()
            await withTaskGroup(of: Void.self) { group in
                for _ in 0..<20 {
                    group.addTask { try? await drain(transport.source(origin, configuration)) }
                }
                await server.arrived(20)
                group.cancelAll()
            }
            #expect(server.requests.count == 20)
        }
    }

    @Test(arguments: TransportUnderTest.allCases)
    func `Each iteration of the same source is a subscription of its own`(transport: TransportUnderTest) async throws {
        try await ScriptedServer.run { _, _ in
            .events("data: x\n\nevent: end\ndata: {\"reason\":\"done\"}\n\n")
        } _: { server in
            let source = transport.source(server.origin, quick())
            for _ in 0..<2 {
                let (data, others) = try await events(source)
                #expect(data == ["x"])
                #expect(others == [.opened, .end(.init(reason: .done))])
            }
        }
    }
}

private func drain(_ source: EventSource) async throws {
    for try await _ in source {}
}
