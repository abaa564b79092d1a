#if AsyncHTTPClient
public import AsyncHTTPClient
import NIOCore
import NIOHTTP1

/// An event source's requests over AsyncHTTPClient: on Linux, and in servers that have a client of their own.
///
/// It decodes nothing: a response with a `Content-Encoding` ends the sequence with
/// ``EventSourceError/Code-swift.enum/contentEncoding``. Reading stops while no chunk is taken, and the server is held
/// back by TCP or HTTP/2.
@available(freshet 0.1, *)
public struct AsyncHTTPClientTransport: EventSourceTransport {
    /// The body of a response; see ``EventSourceTransport/Body``.
    public struct Body: AsyncSequence, Sendable {
        /// Reads the body.
        public struct AsyncIterator: AsyncIteratorProtocol {
            fileprivate var chunks: HTTPClientResponse.Body.AsyncIterator

            /// The next chunk; nil after the last one.
            ///
            /// - Throws: ``EventSourceTransportError``, or `CancellationError`.
            @concurrent public mutating func next() async throws -> [UInt8]? {
                do {
                    return try await chunks.next().map { Array($0.readableBytesView) }
                } catch {
                    throw AsyncHTTPClientTransport.trouble(error)
                }
            }
        }

        fileprivate let base: HTTPClientResponse.Body

        /// Reads the body, once.
        public func makeAsyncIterator() -> AsyncIterator {
            AsyncIterator(chunks: base.makeAsyncIterator())
        }
    }

    /// Never: the event source limits the time itself.
    private static let deadline = TimeAmount.hours(24 * 365)

    private let client: HTTPClient

    /// A transport over a client, which stays the caller's to shut down.
    ///
    /// - Parameter client: One that follows no redirects by itself; ``EventSource/httpClientConfiguration`` suits. How long
    ///   a connection may take is its `timeout.connect`.
    public init(client: HTTPClient) {
        self.client = client
    }

    /// Sends a request; see ``EventSourceTransport/send(_:)``.
    ///
    /// - Throws: ``EventSourceTransportError``, or `CancellationError`.
    public func send(_ request: EventSourceRequest) async throws -> EventSourceResponse<Body> {
        var http = HTTPClientRequest(url: request.url)
        http.method = HTTPMethod(rawValue: request.method)
        http.headers = HTTPHeaders(request.headers.map { ($0.name, $0.value) })
        if let body = request.body { http.body = .bytes(ByteBuffer(bytes: body)) }
        do {
            let response = try await client.execute(http, deadline: .now() + Self.deadline)
            return EventSourceResponse(
                status: Int(response.status.code),
                headers: response.headers.map { (name: $0.name, value: $0.value) },
                body: Body(base: response.body)
            )
        } catch {
            throw Self.trouble(error)
        }
    }

    /// Never shut down: it lives as long as the process, on NIO's own event loops.
    static let shared = AsyncHTTPClientTransport(
        client: HTTPClient(eventLoopGroupProvider: .singleton, configuration: EventSource.httpClientConfiguration)
    )
}

@available(freshet 0.1, *)
extension EventSource {
    /// Describes a subscription over an HTTP client of yours; nothing is sent before iteration.
    ///
    /// - Parameters:
    ///   - url: An absolute `http` or `https` URL. Another one makes the iteration throw
    ///     ``EventSourceError/Code-swift.enum/invalidURL``.
    ///   - configuration: How to read it.
    ///   - client: The HTTP client to use, made with ``httpClientConfiguration`` or the like. It must not follow
    ///     redirects by itself, and it stays the caller's to shut down. With `nil`, all event sources of the process
    ///     share one that is never shut down.
    public init(url: String, configuration: Configuration = Configuration(), client: HTTPClient?) {
        self.init(url: url, configuration: configuration, transport: client.map(AsyncHTTPClientTransport.init))
    }

    /// Settings for an `HTTPClient` that suits event streams.
    ///
    /// Redirects are left to the event source, which counts them and keeps credentials from other origins. The number
    /// of HTTP/1.1 connections to a host is not limited in practice: with the client's default of 8, the ninth stream
    /// of a host would wait for ever. A connection may take 10 s to be made. A refused one is reported at once rather than
    /// retried by the client, which would hide it from the backoff.
    public static var httpClientConfiguration: HTTPClient.Configuration {
        var configuration = HTTPClient.Configuration(
            redirectConfiguration: .disallow,
            timeout: HTTPClient.Configuration.Timeout(connect: .seconds(10))
        )
        configuration.connectionPool.concurrentHTTP1ConnectionsPerHostSoftLimit = 1 << 16
        configuration.connectionPool.retryConnectionEstablishment = false
        configuration.http1_1ConnectionDebugInitializer = { $0.addBehindDecoder { StatusGuard() } }
        return configuration
    }
}
#endif
