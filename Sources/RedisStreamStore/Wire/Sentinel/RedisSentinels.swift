package import NIOCore

/// The sentinels of one store, asked once for all its connections, which live on one event loop.
@available(freshet 0.1, *)
package final class RedisSentinels: Sendable {
    private let finder: NIOLoopBoundBox<MasterFinder?>

    /// Nil where the URL names the Redis itself.
    package init?(_ configuration: RedisConfiguration, on loop: any EventLoop) {
        guard configuration.url.masterName != nil else { return nil }
        let box = NIOLoopBoundBox<MasterFinder?>.makeEmptyBox(valueType: MasterFinder.self, eventLoop: loop)
        finder = box
        loop.execute { box.value = MasterFinder(configuration, on: loop) }
    }

    /// Used on the loop, by connections that were made after this.
    var shared: MasterFinder? { finder.value }

    /// Ends it for ever, when the connections are closed.
    package func close() {
        finder.eventLoop.execute { [finder] in finder.value?.close() }
    }
}
