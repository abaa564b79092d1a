import Locks

/// What every thread may know of a subscriber.
@available(freshet 0.1, *)
final class SubscriberStatus: Sendable {
    private struct Known {
        var state = RedisLinkState.down(nil)
        var lastProbe: Duration?
    }

    private let known = Mutex(Known())

    var state: RedisLinkState {
        get { known.withLock { $0.state } }
        set { known.withLock { $0.state = newValue } }
    }

    var lastProbe: Duration? {
        get { known.withLock { $0.lastProbe } }
        set { known.withLock { $0.lastProbe = newValue } }
    }
}
