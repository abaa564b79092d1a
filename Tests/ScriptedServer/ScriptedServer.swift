import Locks
package import NIOCore
package import NIOHTTP1
import NIOPosix

/// An HTTP/1.1 server on loopback whose answers are decided by the test, byte for byte and cut for cut.
///
/// What its event loops and the test share is behind mutexes.
@available(freshet 0.1, *)
package final class ScriptedServer: Sendable {
    /// A request as it arrived, with its whole body.
    package struct Request: Sendable {
        package var method: String
        package var uri: String
        package var headers: HTTPHeaders
        package var body: [UInt8]
        package var at: ContinuousClock.Instant

        package var text: String { String(decoding: body, as: UTF8.self) }
    }

    /// A response.
    package struct Response: Sendable {
        /// How the response ends.
        package enum End: Sendable {
            /// In good order, then the connection closes.
            case close
            /// The connection is reset; the body is not finished.
            case abort
            /// Never: it stays open and silent.
            case stall
            /// In good order, and the connection takes the next request.
            case keep
        }

        package var status: Int
        package var headers: [(String, String)]
        package var body: [UInt8]
        package var end: End
        package var delay: TimeAmount
        /// How many bytes of the body are written at a time, each time as a chunk of its own; nil for all of them
        /// together with the head.
        package var pieceSize: Int?

        package init(
            _ status: Int,
            _ headers: [(String, String)] = [],
            body: String = "",
            end: End = .keep,
            delay: TimeAmount = .zero
        ) {
            self.init(status, headers, bytes: Array(body.utf8), end: end, delay: delay)
        }

        package init(
            _ status: Int,
            _ headers: [(String, String)] = [],
            bytes: [UInt8],
            end: End = .keep,
            delay: TimeAmount = .zero,
            pieceSize: Int? = nil
        ) {
            self.status = status
            self.headers = headers
            self.body = bytes
            self.end = end
            self.delay = delay
            self.pieceSize = pieceSize
        }

        /// An event stream.
        package static func events(_ body: String, end: End = .close) -> Response {
            events(bytes: Array(body.utf8), end: end)
        }

        /// An event stream, written so many bytes at a time.
        package static func events(bytes: [UInt8], end: End = .close, pieceSize: Int? = nil) -> Response {
            Response(200, [("Content-Type", "text/event-stream")], bytes: bytes, end: end, pieceSize: pieceSize)
        }

        /// Freshet's NDJSON.
        package static func lines(_ body: String, end: End = .close) -> Response {
            Response(200, [("Content-Type", "application/x-ndjson")], body: body, end: end)
        }
    }

    private struct Log {
        var requests: [Request] = []
        var waiters: [(count: Int, CheckedContinuation<Void, Never>)] = []
    }

    private let log = Mutex(Log())
    private let channel: any Channel

    /// `http://127.0.0.1:port`, without a path.
    package let origin: String

    private init(channel: any Channel) {
        self.channel = channel
        origin = "http://127.0.0.1:\(channel.localAddress!.port!)"
    }

    /// Runs a server for the duration of `body`. `answer` is called for each request with its index.
    @discardableResult
    package static func run<Result>(
        port: Int = 0,
        answer: @escaping @Sendable (_ index: Int, _ request: Request) -> Response,
        _ body: (ScriptedServer) async throws -> Result
    ) async throws -> Result {
        let shared = Shared()
        let channel = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            // What is written in pieces is sent in pieces.
            .childChannelOption(.tcpOption(.tcp_nodelay), value: 1)
            .childChannelInitializer { child in
                child.eventLoop.makeCompletedFuture {
                    try child.pipeline.syncOperations.addHandler(ByteToMessageHandler(HTTPRequestDecoder()))
                    try child.pipeline.syncOperations.addHandler(
                        ResponseHandler { request in
                            let index = shared.server?.record(request) ?? 0
                            return answer(index, request)
                        }
                    )
                }
            }
            .bind(host: "127.0.0.1", port: port)
            .get()
        let server = ScriptedServer(channel: channel)
        shared.server = server
        defer { channel.close(promise: nil) }
        return try await body(server)
    }

    /// Everything that arrived so far.
    package var requests: [Request] { log.withLock { $0.requests } }

    /// Returns when that many requests have arrived.
    package func arrived(_ count: Int) async {
        await withCheckedContinuation { continuation in
            let isThere = log.withLock { log in
                if log.requests.count >= count { return true }
                log.waiters.append((count, continuation))
                return false
            }
            if isThere { continuation.resume() }
        }
    }

    private func record(_ request: Request) -> Int {
        log.withLock { log in
            log.requests.append(request)
            let count = log.requests.count
            for waiter in log.waiters where waiter.count <= count { waiter.1.resume() }
            log.waiters.removeAll { $0.count <= count }
            return count - 1
        }
    }
}

/// Requests are answered only after the server exists; the handlers reach it through this.
@available(freshet 0.1, *)
private final class Shared: Sendable {
    private let current = Mutex<ScriptedServer?>(nil)

    var server: ScriptedServer? {
        get { current.withLock { $0 } }
        set { current.withLock { $0 = newValue } }
    }
}
