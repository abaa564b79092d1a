import NIOCore
import StreamCore

/// Publishes to a channel that it follows itself, and so finds a subscription that is dead though its connection lives:
/// after a failover some servers and proxies keep one for ever (centrifugal/centrifugo#1189).
///
/// It is used on its event loop only.
@available(freshet 0.1, *)
final class Probe {
    private let configuration: RedisConfiguration
    private let channel: [UInt8]
    private let link: any RedisCommands
    private let loop: any EventLoop
    private let status: SubscriberStatus
    private let found: (RedisTrouble) -> Void
    /// Of the last message that was sent. Each has its number, so that a late one says nothing of its successor.
    private var sent = 0
    private var seen = 0
    private var isReady = false
    private var next: Scheduled<Void>?

    init(
        _ configuration: RedisConfiguration,
        channel: [UInt8],
        through link: any RedisCommands,
        on loop: any EventLoop,
        status: SubscriberStatus,
        found: @escaping (RedisTrouble) -> Void
    ) {
        self.configuration = configuration
        self.channel = channel
        self.link = link
        self.loop = loop
        self.status = status
        self.found = found
    }

    func told(_ signal: RedisSubscriptionSignal) {
        switch signal {
        case .ready:
            isReady = true
            publish()
        case .message(let bytes):
            guard let number = RESPNumber.integer(bytes), let number = Int(exactly: number), number <= sent else {
                return
            }
            seen = max(seen, number)
            status.lastProbe = configuration.time.monotonic()
        case .lost: stop()
        }
    }

    func stop() {
        isReady = false
        next?.cancel()
    }

    private func publish() {
        sent += 1
        let number = sent
        var command = RedisCommand("PUBLISH")
        command.add(channel)
        command.add(number)
        let bound = NIOLoopBound(self, eventLoop: loop)
        link.begin(command) { [loop] result in
            loop.execute { bound.value.published(number, result) }
        }
    }

    private func published(_ number: Int, _ result: Result<RESPValue, RedisFailure>) {
        guard isReady, number == sent else { return }
        guard case .success = result else {
            // It says nothing of the subscription that nothing can be published.
            return schedule(after: configuration.probeInterval / 10) { self.publish() }
        }
        schedule(after: configuration.probeTimeout) {
            guard self.seen >= number else {
                return self.found(
                    RedisTrouble(.timeout, "what was published did not come within \(self.configuration.probeTimeout)")
                )
            }
            let rest = self.configuration.probeInterval - self.configuration.probeTimeout
            self.schedule(after: max(rest, .zero)) { self.publish() }
        }
    }

    private func schedule(after time: Duration, _ task: @escaping () -> Void) {
        next?.cancel()
        next = loop.assumeIsolated().scheduleTask(in: TimeAmount(time)) {
            if self.isReady { task() }
        }
    }
}
