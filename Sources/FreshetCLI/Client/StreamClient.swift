import AsyncHTTPClient
import EventSource
import NIOCore
import NIOHTTP1

/// Sends requests to a Freshet server.
struct StreamClient: Sendable {
    /// No response came.
    struct Unreachable: Error, CustomStringConvertible {
        var description: String
    }

    /// As for event streams, and shared with them: redirects are not followed, so that no key goes astray. It lives
    /// as long as the process.
    static let http = HTTPClient(
        eventLoopGroupProvider: .singleton,
        configuration: EventSource.httpClientConfiguration
    )

    /// More than any response but a page of the list has.
    private static let longestBody = 64 << 20

    let key: String?

    /// - Throws: ``Unreachable`` when there was no whole response in time.
    func send(
        _ method: HTTPMethod,
        _ url: String,
        headers: [(String, String)] = [],
        body: [UInt8]? = nil,
        timeout: Duration = .seconds(30)
    ) async throws -> ServerResponse {
        var request = HTTPClientRequest(url: url)
        request.method = method
        for (name, value) in headers + authorization { request.headers.add(name: name, value: value) }
        request.headers.add(name: "Accept-Encoding", value: "identity")
        if let body { request.body = .bytes(body) }
        do {
            // The client's own deadline ends with the head of the response; this one is for all of it.
            return try await withThrowingTaskGroup(of: ServerResponse?.self) { [request] group in
                group.addTask { try await Self.send(request) }
                group.addTask {
                    try await Task.sleep(for: timeout)
                    return nil
                }
                defer { group.cancelAll() }
                guard let response = try await group.next() ?? nil else {
                    throw Unreachable(description: "no whole response within \(timeout.components.seconds) s")
                }
                return response
            }
        } catch let error as Unreachable {
            throw error
        } catch {
            throw Unreachable(description: TransportTrouble.describe(error))
        }
    }

    private static func send(_ request: HTTPClientRequest) async throws -> ServerResponse {
        let response = try await http.execute(request, deadline: .distantFuture)
        return ServerResponse(
            status: Int(response.status.code),
            headers: response.headers,
            body: Array(buffer: try await response.body.collect(upTo: longestBody))
        )
    }

    /// The header fields that say who asks.
    var authorization: [(String, String)] {
        key.map { [("Authorization", "Bearer \($0)")] } ?? []
    }
}
