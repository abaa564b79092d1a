#if canImport(Darwin) || !AsyncHTTPClient || FRESHET_URL_SESSION
import EventSource
import NIOCore
import NIOHTTP1
import ScriptedServer
import Testing

/// What is URLSession's alone.
@Suite struct URLSessionTransportTests {
    private func read(_ response: EventSourceResponse<URLSessionTransport.Body>) async throws -> String {
        var bytes: [UInt8] = []
        for try await chunk in response.body { bytes += chunk }
        return String(decoding: bytes, as: UTF8.self)
    }

    @Test func `A 401 with a challenge is a response whose body ends`() async throws {
        try await ScriptedServer.run { _, _ in
            .init(401, [("WWW-Authenticate", "Basic realm=\"x\"")], body: "who")
        } _: { server in
            let response = try await URLSessionTransport().send(EventSourceRequest(url: server.origin))
            #expect(response.status == 401)
            // FoundationNetworking ends it with an error.
            let text = try? await read(response)
            #expect(text == nil || text == "who")
        }
    }

    @Test func `A redirect is a response`() async throws {
        try await ScriptedServer.run { _, _ in
            .init(302, [("Location", "/next")], body: "moved")
        } _: { server in
            let response = try await URLSessionTransport().send(EventSourceRequest(url: server.origin))
            #expect(response.status == 302)
            #expect(response.headers.contains { $0.name.lowercased() == "location" && $0.value == "/next" })
            #expect(server.requests.count == 1)
        }
    }

    @Test func `What the session decodes is not said to be coded, and what it cannot decode is`() async throws {
        try await ScriptedServer.run { _, request in
            .init(200, [("Content-Encoding", String(request.uri.dropFirst()))], body: "")
        } _: { server in
            for (coding, isLeft) in [("identity", true), ("snappy", true), ("gzip", false)] {
                let response = try await URLSessionTransport().send(
                    EventSourceRequest(url: server.origin + "/" + coding)
                )
                #expect(response.headers.contains { $0.name.lowercased() == "content-encoding" } == isLeft)
            }
        }
    }
}
#endif
