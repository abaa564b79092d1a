import AsyncHTTPClient
import EventSource
import Locks
import NIOCore
import NIOHTTP1
import NIOSSL

/// Sends requests to a Freshet server.
@available(freshet 0.1, *)
struct StreamClient: Sendable {
    /// No response came.
    struct Unreachable: Error, CustomStringConvertible {
        var description: String
    }

    /// A client is never shut down: it lives as long as the process.
    private static let clients = Mutex<[HTTPClient]>([])

    /// More than any response but a page of the list has.
    private static let longestBody = 64 << 20

    let key: String?
    /// As for event streams, and shared with them: redirects are not followed, so that no key goes astray.
    let http: HTTPClient

    /// - Parameter authorities: Certificates to trust beside the system's.
    init(key: String?, trusting authorities: [NIOSSLCertificate] = []) {
        self.key = key
        let configuration = Self.configuration(trusting: authorities)
        let http = HTTPClient(eventLoopGroupProvider: .singleton, configuration: configuration)
        self.http = http
        Self.clients.withLock { $0.append(http) }
    }

    /// How an HTTP client of these commands asks.
    static func configuration(trusting authorities: [NIOSSLCertificate]) -> HTTPClient.Configuration {
        var configuration = EventSource.httpClientConfiguration
        if !authorities.isEmpty {
            var tls = TLSConfiguration.makeClientConfiguration()
            tls.additionalTrustRoots = [.certificates(authorities)]
            configuration.tlsConfiguration = tls
        }
        return configuration
    }

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
        let http = http
        do {
            // The client's own deadline ends with the head of the response; this one is for all of it.
            return try await withThrowingTaskGroup(of: ServerResponse?.self) { [request] group in
                group.addTask { try await Self.send(request, http) }
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
            let trouble = TransportTrouble.describe(error)
            let isForeign = "\(error)".utf8.contains("CERTIFICATE_VERIFY_FAILED".utf8)
            throw Unreachable(description: trouble + (isForeign ? "; --ca-file FILE trusts a private authority" : ""))
        }
    }

    private static func send(_ request: HTTPClientRequest, _ http: HTTPClient) async throws -> ServerResponse {
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
