import DequeModule
import NIOCore
import StreamCore

/// The part of a subscriber that lives on its event loop.
@available(freshet 0.1, *)
final class SubscriberDriver {
    /// Channels in one command.
    private static let batch = 1000

    private let configuration: RedisConfiguration
    private let loop: any EventLoop
    private let status: SubscriberStatus
    private let onUp: @Sendable (RedisSession) -> Void
    private let onDown: @Sendable (RedisTrouble) -> Void
    private var supervisor: ConnectionSupervisor?
    private var connection: RedisConnection?
    private var table = SubscriptionTable()
    private var isFlushScheduled = false
    /// Commands whose confirmations are on the way: when each was sent, and for how many channels.
    private var unconfirmed: Deque<(sent: NIODeadline, channels: Int)> = []
    private var watch: Scheduled<Void>?
    private var probe: Probe?

    init(
        _ configuration: RedisConfiguration,
        on loop: any EventLoop,
        status: SubscriberStatus,
        sentinels: RedisSentinels?,
        onUp: @escaping @Sendable (RedisSession) -> Void,
        onDown: @escaping @Sendable (RedisTrouble) -> Void
    ) {
        self.configuration = configuration
        self.loop = loop
        self.status = status
        self.onUp = onUp
        self.onDown = onDown
        supervisor = ConnectionSupervisor(
            configuration,
            on: loop,
            finder: sentinels?.shared,
            setup: nil,
            owner: ConnectionSupervisor.Owner(
                up: { self.becameUp($0, $1) },
                leaving: { _ in },
                down: { self.becameDown($0) },
                failed: { status.state = .down($0) },
                pushed: { self.pushed($0) },
                answered: { _ in }
            )
        )
    }

    func start(probing channel: [UInt8], through link: (any RedisCommands)?) {
        if let link {
            let probe = Probe(configuration, channel: channel, through: link, on: loop, status: status) { trouble in
                self.supervisor?.reconnect(because: trouble)
            }
            self.probe = probe
            let bound = NIOLoopBound(probe, eventLoop: loop)
            subscribe(channel, number: 0) { bound.value.told($0) }
        }
        supervisor?.start()
    }

    func close() -> EventLoopFuture<Void>? {
        guard let supervisor else { return nil }
        let closed = supervisor.close()
        self.supervisor = nil
        status.state = .closed
        probe?.stop()
        probe = nil
        return closed
    }

    func subscribe(_ channel: [UInt8], number: UInt64, told: @escaping SubscriptionTable.Told) {
        table.add(channel, number: number, told: told)?(.ready)
        scheduleFlush()
    }

    func unsubscribe(_ channel: [UInt8], number: UInt64) {
        table.remove(channel, number: number)
        scheduleFlush()
    }

    // MARK: The connection

    private func becameUp(_ session: RedisSession, _ connection: RedisConnection) {
        self.connection = connection
        status.state = .up(session)
        onUp(session)
        flush()
        scheduleWatch()
    }

    private func becameDown(_ trouble: RedisTrouble) {
        connection = nil
        status.state = .down(trouble)
        unconfirmed.removeAll()
        watch?.cancel()
        for told in table.lost() { told(.lost) }
        onDown(trouble)
    }

    /// What is subscribed in one turn of the loop goes out together.
    private func scheduleFlush() {
        guard !isFlushScheduled, connection != nil else { return }
        isFlushScheduled = true
        loop.assumeIsolated().execute {
            self.isFlushScheduled = false
            self.flush()
        }
    }

    private func flush() {
        guard let connection else { return }
        let changes = table.takeChanges()
        send("UNSUBSCRIBE", changes.unsubscribe, on: connection)
        send("SUBSCRIBE", changes.subscribe, on: connection)
        connection.flush()
    }

    private func send(_ name: String, _ channels: [[UInt8]], on connection: RedisConnection) {
        var rest = channels[...]
        while !rest.isEmpty {
            let batch = rest.prefix(Self.batch)
            rest = rest.dropFirst(batch.count)
            var command = RedisCommand(name, reserving: batch.reduce(32) { $0 + $1.count + 10 })
            for channel in batch { command.add(channel) }
            connection.sendForPushes(command)
            unconfirmed.append((.now(), batch.count))
        }
    }

    private func pushed(_ elements: [RESPValue]) {
        guard elements.count == 3, let kind = elements[0].bytes, let channel = elements[1].bytes else { return }
        if kind.elementsEqual("message".utf8) {
            guard let message = elements[2].bytes else { return }
            table.told(channel) { $0(.message(message)) }
        } else if kind.elementsEqual("subscribe".utf8) || kind.elementsEqual("unsubscribe".utf8) {
            confirmed(channel)
        }
    }

    private func confirmed(_ channel: [UInt8]) {
        guard let ready = table.confirmed(channel), !unconfirmed.isEmpty else {
            // Then it is not known what Redis believes.
            let trouble = RedisTrouble(.malformed, "Redis confirmed a subscription that it was not asked for")
            supervisor?.reconnect(because: trouble)
            return
        }
        unconfirmed[unconfirmed.startIndex].channels -= 1
        if unconfirmed[unconfirmed.startIndex].channels == 0 { unconfirmed.removeFirst() }
        for told in ready { told(.ready) }
    }

    private func scheduleWatch() {
        watch?.cancel()
        let period = min(.milliseconds(250), configuration.replyTimeout / 4)
        watch = loop.assumeIsolated().scheduleTask(in: TimeAmount(period)) {
            guard self.connection != nil else { return }
            if let first = self.unconfirmed.first,
                NIODeadline.now() - first.sent >= TimeAmount(self.configuration.replyTimeout)
            {
                let time = self.configuration.replyTimeout
                let trouble = RedisTrouble(.timeout, "Redis did not confirm a subscription within \(time)")
                self.supervisor?.reconnect(because: trouble)
            } else {
                self.scheduleWatch()
            }
        }
    }
}
