package import AsyncHTTPClient
import EventSource
import NIOCore
import NIOHTTP1
import StreamHTTP

#if !AsyncHTTPClient
#error("This needs the trait AsyncHTTPClient of the package freshet. It is on unless `traits` leaves it out.")
#endif

/// An upstream over HTTP.
@available(freshet 0.1, *)
package struct HTTPUpstream: UpstreamTransport {
    private let baseURL: String
    private let client: HTTPClient

    package init(baseURL: String, client: HTTPClient) {
        self.baseURL = baseURL
        self.client = client
    }

    /// A client for upstreams: it follows no redirect, unpacks nothing, repeats nothing, and has no bound on the time
    /// of an answer. How long an upstream may be silent is the relay's business: this client would take informational
    /// responses for a sign of life, and a caller who takes nothing for an upstream that sends nothing.
    package static func client() -> HTTPClient {
        var configuration = HTTPClient.Configuration(
            redirectConfiguration: .disallow,
            timeout: .init(connect: .seconds(10)),
            decompression: .disabled
        )
        // The default is 8: the ninth answer would wait for one of the others to end.
        configuration.connectionPool.concurrentHTTP1ConnectionsPerHostSoftLimit = 10_000
        // Otherwise a refused connection is tried again for ever, since there is no deadline.
        configuration.connectionPool.retryConnectionEstablishment = false
        // As the providers' own clients do: a connection for each answer, so that one that is cut cuts no other.
        configuration.httpVersion = .http1Only
        // The relay makes the span of a call, and tells the upstream of that one.
        configuration.tracing.tracer = nil
        configuration.http1_1ConnectionDebugInitializer = { channel in
            channel.addBehindDecoder { ResponseEndHandler() }.flatMap { channel.addBehindDecoder { StatusGuard() } }
        }
        return HTTPClient(eventLoopGroupProvider: .singleton, configuration: configuration)
    }

    package func send(_ request: UpstreamRequest) async throws -> UpstreamResponse {
        var http = HTTPClientRequest(url: baseURL + request.path)
        http.method = HTTPMethod(rawValue: request.method)
        http.headers = request.headers
        switch request.body {
        case .none: break
        // As one: a body in pieces is left waiting for ever by a refusal that comes before its last piece, and an answer
        // that ends with its connection before the client knows of that piece is an error to it (AsyncHTTPClient 1.37).
        case .whole(let body): http.body = .bytes(ByteBuffer(bytes: body.handOver()))
        case .stream(let body, let length):
            http.body = .stream(body, length: length.map { .known(Int64($0)) } ?? .unknown)
        }
        let end = ResponseEnd()
        end.mark(&http.headers)
        do {
            let response = try await client.execute(http, deadline: .distantFuture)
            return UpstreamResponse(
                status: Int(response.status.code),
                headers: response.headers.map { HeaderField($0.name, $0.value) }
            ) { take in
                for try await piece in response.body { try await take(piece) }
                if let error = end.error { throw error }
            }
        } catch let error as CancellationError {
            throw error
        } catch let error as StatusGuard.Impossible {
            throw UpstreamError.unusable(error.description)
        } catch {
            throw UpstreamError.unreachable(TransportTrouble.describe(error))
        }
    }
}
