import AsyncHTTPClient
import Freshet
import Logging
import NIOCore
import NIOHTTP1
import ServiceLifecycle

/// An embedded server that listens on a free port while a test runs, and a client for it.
struct RunningServer: Sendable {
    let server: EmbeddedServer
    let url: String
    private let group: ServiceGroup

    var streams: EventStreams { server.streams }

    /// Runs a server; when the body returns it is told to stop, and what `run()` threw is thrown.
    @discardableResult
    static func with<Value: Sendable>(
        _ server: EmbeddedServer,
        _ body: @Sendable (RunningServer) async throws -> Value
    ) async throws -> Value {
        let group = ServiceGroup(configuration: .init(services: [server], logger: .init(label: "test")))
        return try await withThrowingTaskGroup(of: Void.self) { tasks in
            tasks.addTask { try await group.run() }
            let url = try await server.listening().description
            let value = try await body(RunningServer(server: server, url: url, group: group))
            await group.triggerGracefulShutdown()
            try await tasks.waitForAll()
            return value
        }
    }

    func stop() async { await group.triggerGracefulShutdown() }

    struct Response: Sendable {
        var status: Int
        var headers: HTTPHeaders
        var body: String
    }

    func ask(
        _ method: HTTPMethod,
        _ path: String,
        _ headers: [(String, String)] = [],
        body: String? = nil
    ) async throws -> Response {
        let response = try await open(method, path, headers, body: body.map { .bytes(ByteBuffer(string: $0)) })
        let bytes = try await response.body.collect(upTo: 1 << 24)
        return Response(status: Int(response.status.code), headers: response.headers, body: String(buffer: bytes))
    }

    /// A response whose body is still to be read.
    func open(
        _ method: HTTPMethod,
        _ path: String,
        _ headers: [(String, String)] = [],
        body: HTTPClientRequest.Body? = nil
    ) async throws -> HTTPClientResponse {
        var request = HTTPClientRequest(url: url + path)
        request.method = method
        for (name, value) in headers { request.headers.add(name: name, value: value) }
        request.body = body
        return try await HTTPClient.shared.execute(request, timeout: .seconds(120))
    }
}
