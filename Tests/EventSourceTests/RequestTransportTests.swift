import NIOCore
import NIOHTTP1
import ScriptedServer
import ServerSentEvents
import Testing

@testable import EventSource

/// Requests other than a plain GET, over real sockets.
@Suite struct RequestTransportTests {
    private func configuration(_ method: String, _ body: String, repeats: Bool = false) -> EventSource.Configuration {
        var configuration = EventSource.Configuration()
        configuration.method = method
        configuration.body = Array(body.utf8)
        configuration.headers = [("Content-Type", "application/json")]
        configuration.repeatsRequest = repeats
        configuration.reconnectionTime = .milliseconds(5)
        return configuration
    }

    private func events(_ source: EventSource) async throws -> [String] {
        var data: [String] = []
        for try await element in source {
            if case .event(let event) = element { data.append(event.data) }
        }
        return data
    }

    @Test(arguments: TransportUnderTest.allCases, ["POST", "PUT", "REPORT"])
    func `A body is sent, with its length and type, and a response that ends in good order is all`(
        transport: TransportUnderTest,
        method: String
    ) async throws {
        try await sendsBody(transport, method)
    }

    @Test func `So is that of a GET, which URLSession refuses`() async throws {
        try await sendsBody(.asyncHTTPClient, "GET")
    }

    private func sendsBody(_ transport: TransportUnderTest, _ method: String) async throws {
        try await ScriptedServer.run { _, _ in
            .events("data: x\n\n")
        } _: { server in
            let body = #"{"text":"\#(String(repeating: "é", count: 100_000))"}"#
            let data = try await events(transport.source(server.origin, configuration(method, body)))
            #expect(data == ["x"])
            #expect(server.requests.count == 1)
            let request = try #require(server.requests.first)
            #expect(request.method == method)
            #expect(request.text == body)
            #expect(request.headers["Content-Type"] == ["application/json"])
            #expect(request.headers["Content-Length"] == [String(body.utf8.count)])
        }
    }

    @Test(arguments: TransportUnderTest.allCases)
    func `A cut POST is not sent again, and what came before the cut is delivered`(transport: TransportUnderTest)
        async throws
    {
        try await ScriptedServer.run { _, _ in
            .events("id: 1\ndata: x\n\n", end: .abort)
        } _: { server in
            var data: [String] = []
            await #expect {
                let source = transport.source(server.origin, configuration("POST", "q"))
                for try await element in source {
                    if case .event(let event) = element { data.append(event.data) }
                }
            } throws: { ($0 as? EventSourceError)?.code == .notRepeated }
            #expect(data == ["x"])
            #expect(server.requests.count == 1)
        }
    }

    @Test(arguments: TransportUnderTest.allCases)
    func `A POST that may be repeated is sent again whole, with the last event id`(transport: TransportUnderTest)
        async throws
    {
        try await ScriptedServer.run { index, _ in
            switch index {
            case 0: .events("id: 1\ndata: x\n\n", end: .abort)
            case 1: .events("id: 2\ndata: y\n\n", end: .close)
            default: .init(204)
            }
        } _: { server in
            let configuration = configuration("POST", "q", repeats: true)
            let data = try await events(transport.source(server.origin, configuration))
            #expect(data == ["x", "y"])
            #expect(server.requests.map(\.method) == ["POST", "POST", "POST"])
            #expect(server.requests.map(\.text) == ["q", "q", "q"])
            #expect(server.requests.map { $0.headers.first(name: "Last-Event-ID") } == [nil, "1", "2"])
        }
    }

    @Test(arguments: TransportUnderTest.allCases)
    func `A POST that nobody can have had is tried until it is time to give up`(transport: TransportUnderTest)
        async throws
    {
        var configuration = configuration("POST", "q")
        configuration.givesUpAfter = .milliseconds(50)
        configuration.maximumBackoff = .milliseconds(10)
        await #expect {
            // Nobody listens on port 1.
            _ = try await events(transport.source("http://127.0.0.1:1", configuration))
        } throws: { ($0 as? EventSourceError)?.code == .gaveUp }
    }

    @Test(arguments: TransportUnderTest.allCases)
    func `A POST follows 307 with its body and 303 without it`(transport: TransportUnderTest) async throws {
        try await ScriptedServer.run { index, _ in
            switch index {
            case 0: .init(307, [("Location", "/moved")])
            case 1: .init(303, [("Location", "/answer")])
            default: .events("data: x\n\n")
            }
        } _: { server in
            let data = try await events(transport.source(server.origin, configuration("POST", "q")))
            #expect(data == ["x"])
            #expect(server.requests.map(\.uri) == ["/", "/moved", "/answer"])
            #expect(server.requests.map(\.method) == ["POST", "POST", "GET"])
            #expect(server.requests.map(\.text) == ["q", "q", ""])
            #expect(server.requests.map { $0.headers.contains(name: "Content-Type") } == [true, true, false])
        }
    }
}
