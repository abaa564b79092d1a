/// What happens to a subscription.
@available(freshet 0.1, *)
package enum RedisSubscriptionSignal: Hashable, Sendable {
    /// Redis has confirmed it: nothing that is published from here on is missed until it is lost.
    case ready
    case message([UInt8])
    /// What is published until it is ready again may be missed. Only told after `ready`.
    case lost
}

/// What takes subscriptions to channels of one Redis: the seam at which another client can take the place of ours.
@available(freshet 0.1, *)
package protocol RedisSubscriptions: Sendable {
    /// Follows a channel. However many follow one, Redis is asked once.
    ///
    /// - Parameter told: called on the connection's event loop, in order, and never inside of this call: first `ready`,
    ///   as soon as it is confirmed or at once where it is already. It must not block.
    func subscribe(
        _ channel: [UInt8],
        told: @escaping @Sendable (RedisSubscriptionSignal) -> Void
    ) -> RedisSubscription
}

/// One who follows a channel.
@available(freshet 0.1, *)
package final class RedisSubscription: Sendable {
    private let cancelled: @Sendable () -> Void

    package init(cancelled: @escaping @Sendable () -> Void) {
        self.cancelled = cancelled
    }

    /// Follows no more. What is under way may still be told until the loop has had its turn. It may be called twice.
    package func cancel() { cancelled() }
}
