import NIOCore
import NIOPosix
import NIOSSL

/// Makes connections to Redis and to sentinels: names, TCP, and TLS where it is spoken.
@available(freshet 0.1, *)
enum RedisConnector {
    /// Connects on a loop, and tells there what came of it; within `connectTimeout`. TLS is still under way then.
    ///
    /// - Parameter what: what is to be there, for who reads that it is not.
    static func connect(
        to endpoint: RedisEndpoint,
        _ configuration: RedisConfiguration,
        on loop: any EventLoop,
        what: String = "Redis",
        told: @escaping (Result<RedisConnection, RedisTrouble>) -> Void
    ) {
        guard configuration.url.isSecure else {
            return connect(to: endpoint, configuration, tls: nil, on: loop, what: what, told: told)
        }
        RedisTLS.context(configuration.url, on: loop).assumeIsolated().whenComplete { result in
            switch result {
            case .success(let context):
                connect(to: endpoint, configuration, tls: context, on: loop, what: what, told: told)
            case .failure(let error):
                told(.failure((error as? RedisTrouble) ?? RedisTrouble.ofChannel(error, isReady: false)))
            }
        }
    }

    private static func connect(
        to endpoint: RedisEndpoint,
        _ configuration: RedisConfiguration,
        tls: NIOSSLContext?,
        on loop: any EventLoop,
        what: String,
        told: @escaping (Result<RedisConnection, RedisTrouble>) -> Void
    ) {
        ClientBootstrap(group: loop)
            .connectTimeout(TimeAmount(configuration.connectTimeout))
            .channelOption(.tcpOption(.tcp_nodelay), value: 1)
            .channelOption(.socketOption(.so_keepalive), value: 1)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    if let tls {
                        let handler = try RedisTLS.handler(tls, host: endpoint.host)
                        try channel.pipeline.syncOperations.addHandler(handler)
                    }
                    try channel.pipeline.syncOperations.addHandler(RedisConnection(configuration))
                }
            }
            .connect(host: endpoint.host, port: endpoint.port)
            .flatMapThrowing { channel in
                // Of several addresses each had a handler; this is that of the one which answered.
                try NIOLoopBound(
                    channel.pipeline.syncOperations.handler(type: RedisConnection.self),
                    eventLoop: channel.eventLoop
                )
            }
            .assumeIsolated()
            .whenComplete { result in told(result.map(\.value).mapError { .ofConnecting($0, to: what) }) }
    }
}
