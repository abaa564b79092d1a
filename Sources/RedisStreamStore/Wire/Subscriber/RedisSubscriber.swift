import Locks
package import NIOCore
import NIOPosix
import TextCodecs

/// Follows channels of Redis over a connection of its own, which is made again whenever it is lost: all that was
/// subscribed is subscribed anew.
@available(freshet 0.1, *)
package final class RedisSubscriber: RedisSubscriptions {
    package let eventLoop: any EventLoop
    private let status = SubscriberStatus()
    private let driver: NIOLoopBoundBox<SubscriberDriver?>
    /// 0 is the probe's.
    private let lastNumber = Mutex<UInt64>(0)

    /// Begins to connect at once, and again after each loss, until it is closed.
    ///
    /// - Parameters:
    ///   - link: what the probe is published through; nil for no probe.
    ///   - probeChannel: the probe's channel, which nobody else may use; nil for one with a name by chance.
    ///   - loop: where it lives; nil for one of NIO's own.
    ///   - sentinels: those of other connections on this loop, which are to be at the same master; nil for its own.
    ///   - onUp: called on the loop, in order: before any subscription is ready.
    ///   - onDown: called on the loop, once after each `onUp`: when all subscriptions were told that they are lost.
    package init(
        _ configuration: RedisConfiguration,
        probingThrough link: (any RedisCommands)?,
        probeChannel: [UInt8]? = nil,
        on loop: (any EventLoop)? = nil,
        sentinels: RedisSentinels? = nil,
        onUp: @escaping @Sendable (RedisSession) -> Void = { _ in },
        onDown: @escaping @Sendable (RedisTrouble) -> Void = { _ in }
    ) {
        let loop = loop ?? MultiThreadedEventLoopGroup.singleton.next()
        let driver = NIOLoopBoundBox<SubscriberDriver?>.makeEmptyBox(valueType: SubscriberDriver.self, eventLoop: loop)
        let channel = probeChannel ?? Array("freshet:{probe}:\(RandomToken.text())".utf8)
        eventLoop = loop
        self.driver = driver
        loop.execute { [status] in
            let made = SubscriberDriver(
                configuration,
                on: loop,
                status: status,
                sentinels: sentinels,
                onUp: onUp,
                onDown: onDown
            )
            driver.value = made
            made.start(probing: channel, through: link)
        }
    }

    package var state: RedisLinkState { status.state }

    /// When the last probe came back, on the monotonic clock; nil before the first.
    package var lastProbe: Duration? { status.lastProbe }

    package func subscribe(
        _ channel: [UInt8],
        told: @escaping @Sendable (RedisSubscriptionSignal) -> Void
    ) -> RedisSubscription {
        let number = lastNumber.withLock { number in
            number += 1
            return number
        }
        let driver = driver
        let loop = eventLoop
        loop.execute { driver.value?.subscribe(channel, number: number, told: told) }
        return RedisSubscription {
            loop.execute { driver.value?.unsubscribe(channel, number: number) }
        }
    }

    /// Ends it for ever; who follows a channel is told that it is lost. Returns when the socket is closed.
    package func close() async {
        let driver = driver
        let closed = eventLoop.flatSubmit { [eventLoop] in driver.value?.close() ?? eventLoop.makeSucceededVoidFuture()
        }
        try? await closed.get()
    }
}
