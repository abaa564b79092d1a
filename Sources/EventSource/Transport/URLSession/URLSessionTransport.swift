#if canImport(Darwin) || !AsyncHTTPClient || FRESHET_URL_SESSION
#if canImport(FoundationNetworking)
public import FoundationNetworking
#else
public import Foundation
#endif

/// An event source's requests over Foundation's `URLSession`: for apps on Apple's platforms.
///
/// ```swift
/// let source = EventSource(url: "https://example.com/v1/stream/answer", transport: URLSessionTransport())
/// ```
///
/// What is different from ``AsyncHTTPClientTransport``:
/// - `URLSession` decodes gzip, deflate and, on Apple's platforms, Brotli by itself, although `Accept-Encoding: identity`
///   is sent. Such a response is read like any other. One in another coding ends the sequence with
///   ``EventSourceError/Code-swift.enum/contentEncoding``.
/// - It refuses a `GET` with a body. A `POST` with a body and without `Content-Type` is sent as
///   `application/x-www-form-urlencoded`.
/// - A connection has no time limit of its own. ``EventSource/Configuration-swift.struct/responseTimeout`` covers it, after
///   which a request counts as one that a server may have had.
/// - It may itself send a `GET` again if a connection that was kept open turns out to be closed.
///
/// On Apple's platforms the task is suspended while 256 KiB wait to be taken. FoundationNetworking, `URLSession` for other
/// platforms, cannot suspend a task: it would send the request again. There a reader that falls 16 MiB behind loses
/// its connection, and the event source comes back after the last event it had.
///
/// Freshet's own tests run it on Linux, over FoundationNetworking. On Apple's platforms nobody ran them yet: what is
/// compiled there only, suspending a task, is tested without a task.
@available(freshet 0.1, *)
public struct URLSessionTransport: EventSourceTransport {
    private let session: URLSessionOwner

    /// A transport with a session of its own. Its connections end when it and all its responses are let go.
    ///
    /// - Parameter configuration: What the session does, proxies for example; begin with ``sessionConfiguration``. Its
    ///   `timeoutIntervalForRequest` is not used.
    public init(configuration: URLSessionConfiguration = URLSessionTransport.sessionConfiguration) {
        session = URLSessionOwner(configuration: configuration)
    }

    /// A new configuration that suits event streams: without cookies, caches and stored credentials, without a time limit for a
    /// response, and without a limit in practice on the HTTP/1.1 connections to a host, as each stream needs one.
    public static var sessionConfiguration: URLSessionConfiguration {
        let configuration = URLSessionConfiguration.ephemeral
        configuration.httpCookieStorage = nil
        configuration.httpShouldSetCookies = false
        configuration.httpCookieAcceptPolicy = .never
        configuration.urlCache = nil
        configuration.urlCredentialStorage = nil
        configuration.requestCachePolicy = .reloadIgnoringLocalCacheData
        configuration.httpMaximumConnectionsPerHost = 1 << 16
        configuration.timeoutIntervalForResource = URLSessionOwner.noTimeout
        return configuration
    }

    /// Sends a request; see ``EventSourceTransport/send(_:)``.
    ///
    /// - Throws: ``EventSourceTransportError``, or `CancellationError`.
    public func send(_ request: EventSourceRequest) async throws -> EventSourceResponse<Body> {
        let exchange = try session.begin(request)
        // From here on the request ends with the body, whether that is given or let go.
        let body = Body(Body.Lifetime(exchange, session))
        let head = try await exchange.head()
        return EventSourceResponse(status: head.status, headers: head.headers, body: body)
    }

    /// The body of a response; see ``EventSourceTransport/Body``.
    public struct Body: AsyncSequence, Sendable {
        /// Ends the exchange with the last copy of the body and its iterator.
        fileprivate final class Lifetime: Sendable {
            let exchange: URLSessionExchange
            private let session: URLSessionOwner

            init(_ exchange: URLSessionExchange, _ session: URLSessionOwner) {
                self.exchange = exchange
                self.session = session
            }

            deinit {
                session.end(exchange)
            }
        }

        /// Reads the body.
        public struct AsyncIterator: AsyncIteratorProtocol {
            fileprivate let lifetime: Lifetime

            /// The next chunk; nil after the last one.
            ///
            /// - Throws: ``EventSourceTransportError``, or `CancellationError`.
            public mutating func next() async throws -> [UInt8]? {
                try await lifetime.exchange.next()
            }
        }

        private let lifetime: Lifetime

        fileprivate init(_ lifetime: Lifetime) {
            self.lifetime = lifetime
        }

        /// Reads the body, once.
        public func makeAsyncIterator() -> AsyncIterator {
            AsyncIterator(lifetime: lifetime)
        }
    }

    /// Lives as long as the process.
    static let shared = URLSessionTransport()
}
#endif
