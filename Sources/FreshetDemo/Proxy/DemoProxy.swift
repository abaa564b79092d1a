import FreshetServer
import Locks
import NIOCore
import NIOHTTP1
import NIOPosix
import NIOSSL
import StreamHTTP

/// The "helpful" proxy of the demonstration: asks this same server over a connection of its own, as any proxy would,
/// and passes the answer on when its policy lets go of it.
///
/// `GET /demo/proxy/{policy}/{path}`. Only the demonstration's own answers can be asked for, and each is asked for with
/// the caller's own header fields, so that nobody gets through it what he would not get beside it.
@available(freshet 0.1, *)
final class DemoProxy: Sendable {
    static let prefix = "/demo/proxy/"
    private static let allowed = ["/demo/races/", "/demo/trap/", "/v1/stream/demo/race/", "/v1/stream/demo/article/"]
    private static let passedOn = [
        "Host", "Accept", "Last-Event-ID", "Authorization", "Cookie", "Origin", "Sec-Fetch-Site",
    ]
    /// Of one connection only, or said by every answer of this server again.
    private static let dropped: Set<String> = [
        "connection", "transfer-encoding", "content-length", "keep-alive", "vary", "x-content-type-options",
        "cross-origin-resource-policy", "date",
    ]

    struct Route: Equatable {
        var policy: ProxyPolicy
        /// Where the answer comes from, a query included.
        var target: String

        /// Nil for a request that is not for the proxy, or asks for what it does not pass on.
        init?(_ uri: String) {
            guard uri.hasPrefix(DemoProxy.prefix) else { return nil }
            let rest = uri.dropFirst(DemoProxy.prefix.count)
            guard let slash = rest.firstIndex(of: "/"), let policy = ProxyPolicy(rest[..<slash]) else { return nil }
            let target = String(rest[slash...])
            guard DemoProxy.allowed.contains(where: target.hasPrefix), !target.contains("..") else { return nil }
            self.policy = policy
            self.target = target
        }
    }

    /// What was cut, so that whoever comes back is not cut again. The oldest is forgotten.
    private let cut = Mutex<[String]>([])
    private static let mostRemembered = 1_000
    /// The peer is this process, at its own address: there is nobody to mistrust, and its certificate need not be for
    /// that address.
    private static let ownServer: Result<NIOSSLContext, any Error> = Result {
        var configuration = TLSConfiguration.makeClientConfiguration()
        configuration.certificateVerification = .none
        return try NIOSSLContext(configuration: configuration)
    }

    func exchange(_ route: Route, _ request: RouteRequest) -> ExchangePlan {
        ExchangePlan(bodyLimit: 0) { [self] _, writer in
            guard let address = request.facts.localAddress else { throw ExchangeError.gone }
            var policy = route.policy
            if policy.cut != nil, !isFirst(request.target.rawPath) { policy.cut = nil }
            try await run(policy, head(for: route.target, request), to: address, request.head.isSecure, writer)
        }
    }

    private func isFirst(_ path: String) -> Bool {
        cut.withLock { cut in
            if cut.contains(path) { return false }
            if cut.count == Self.mostRemembered { cut.removeFirst() }
            cut.append(path)
            return true
        }
    }

    private func head(for target: String, _ request: RouteRequest) -> HTTPRequestHead {
        var headers = HTTPHeaders()
        for name in Self.passedOn {
            for value in request.head.headers[name] { headers.add(name: name, value: value) }
        }
        headers.add(name: "Via", value: "1.1 helpful")
        headers.add(name: "Connection", value: "close")
        return HTTPRequestHead(version: .http1_1, method: .GET, uri: target, headers: headers)
    }

    private func run(
        _ policy: ProxyPolicy,
        _ head: HTTPRequestHead,
        to address: SocketAddress,
        _ isSecure: Bool,
        _ writer: ResponseWriter
    ) async throws {
        let relay = ProxyRelay(policy, writer: writer)
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await self.fetch(head, from: address, isSecure, into: relay) }
            if case .period(let period) = policy.holding {
                group.addTask {
                    while true {
                        try await EventLoopClock().sleep(for: period)
                        try await relay.periodEnded()
                    }
                }
            }
            if case .time(let time) = policy.cut {
                group.addTask {
                    try await EventLoopClock().sleep(for: time)
                    writer.cut()
                }
            }
            // Whatever comes first ends it: the whole answer, the cut, or a reader who leaves.
            try await group.next()
            group.cancelAll()
        }
    }

    private func fetch(
        _ head: HTTPRequestHead,
        from address: SocketAddress,
        _ isSecure: Bool,
        into relay: ProxyRelay
    ) async throws {
        var isComplete = false
        do {
            let channel = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
                .connectTimeout(.seconds(5))
                .connect(to: address) { channel in
                    channel.eventLoop.makeCompletedFuture {
                        if isSecure {
                            let tls = try NIOSSLClientHandler(context: Self.ownServer.get(), serverHostname: nil)
                            try channel.pipeline.syncOperations.addHandler(tls)
                        }
                        try channel.pipeline.syncOperations.addHTTPClientHandlers()
                        return try NIOAsyncChannel<HTTPClientResponsePart, HTTPClientRequestPart>(
                            wrappingChannelSynchronously: channel
                        )
                    }
                }
            isComplete = try await channel.executeThenClose { parts, requests in
                try await requests.write(.head(head))
                try await requests.write(.end(nil))
                for try await part in parts {
                    switch part {
                    case .head(let head):
                        let headers = head.headers.filter { !Self.dropped.contains($0.name.lowercased()) }
                        try await relay.head(
                            Int(head.status.code),
                            headers.map { HeaderField($0.name, $0.value) } + [HeaderField("Via", "1.1 helpful")],
                            length: head.headers.first(name: "Content-Length").flatMap { Int($0) }
                        )
                    case .body(let bytes): try await relay.received(bytes)
                    case .end: return true
                    }
                }
                return false
            }
        } catch let error as ExchangeError {
            throw error
        } catch is CancellationError {
            throw CancellationError()
        } catch {
            // A server that cannot be asked, or an answer that is torn.
        }
        try await relay.ended(isComplete: isComplete)
    }
}
