import AsyncHTTPClient
import EventSource
import NIOCore
import NIOHTTP1

/// Sends requests to a Freshet server.
struct StreamClient: Sendable {
    /// No answer came.
    struct Unreachable: Error, CustomStringConvertible {
        var description: String
    }

    /// As for event streams, and shared with them: redirects are not followed, so that no key goes astray. It lives
    /// as long as the process.
    static let http = HTTPClient(
        eventLoopGroupProvider: .singleton,
        configuration: EventSource.httpClientConfiguration
    )

    /// More than any answer but a page of the list has.
    private static let longestBody = 64 << 20

    let key: String?

    /// - Throws: ``Unreachable`` when there was no whole answer in time.
    func send(
        _ method: HTTPMethod,
        _ url: String,
        headers: [(String, String)] = [],
        body: [UInt8]? = nil,
        timeout: Duration = .seconds(30)
    ) async throws -> Answer {
        var request = HTTPClientRequest(url: url)
        request.method = method
        for (name, value) in headers + authorization { request.headers.add(name: name, value: value) }
        if let body { request.body = .bytes(body) }
        do {
            let milliseconds = timeout.components.seconds * 1000
            let deadline = NIODeadline.now() + .milliseconds(milliseconds)
            let response = try await Self.http.execute(request, deadline: deadline)
            return Answer(
                status: Int(response.status.code),
                headers: response.headers,
                body: Array(buffer: try await response.body.collect(upTo: Self.longestBody))
            )
        } catch {
            throw Unreachable(description: TransportTrouble.describe(error))
        }
    }

    /// The header fields that say who asks.
    var authorization: [(String, String)] {
        key.map { [("Authorization", "Bearer \($0)")] } ?? []
    }
}
