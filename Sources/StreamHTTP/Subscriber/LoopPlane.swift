import NIOCore
import StreamCore

/// Everything of the data plane that belongs to one event loop: its connections, and the readers of each stream.
///
/// Bound to the loop: no lock is taken to deliver.
final class LoopPlane {
    let eventLoop: any EventLoop
    let streams: Streams
    let configuration: DataPlaneConfiguration
    let held: HeldReaders
    private(set) var isDraining = false
    /// What happened here; the numbers of now are added when somebody asks.
    var counts = DataPlaneMetrics()
    private var groups: [StreamName: StreamGroup] = [:]
    private var connections: [ObjectIdentifier: ConnectionHandler] = [:]
    /// Requests that came over the connections of another server.
    private var hosted: [ObjectIdentifier: any HostedRequest] = [:]
    private var mailbox: Mailbox?
    private var ticking: RepeatedTask?

    init(eventLoop: any EventLoop, streams: Streams, configuration: DataPlaneConfiguration, held: HeldReaders) {
        self.eventLoop = eventLoop
        self.streams = streams
        self.configuration = configuration
        self.held = held
    }

    func start() {
        let bound = NIOLoopBound(self, eventLoop: eventLoop)
        mailbox = Mailbox(eventLoop: eventLoop) { bound.value.readMail() }
        ticking = eventLoop.scheduleRepeatedTask(initialDelay: configuration.tick, delay: configuration.tick) { _ in
            bound.value.tick()
        }
    }

    /// After this the loop holds nothing of the plane.
    func stop() {
        ticking?.cancel()
        ticking = nil
        for connection in connections.values { connection.abort() }
        for request in hosted.values { request.abandon() }
        // Behind the ends of the connections, which tell the streams through it that nobody follows any more.
        let bound = NIOLoopBound(self, eventLoop: eventLoop)
        eventLoop.execute { bound.value.mailbox = nil }
    }

    // MARK: Connections

    func add(_ connection: ConnectionHandler) { connections[ObjectIdentifier(connection)] = connection }

    func remove(_ connection: ConnectionHandler) { connections[ObjectIdentifier(connection)] = nil }

    func add(_ request: any HostedRequest) { hosted[ObjectIdentifier(request)] = request }

    func remove(_ request: any HostedRequest) { hosted[ObjectIdentifier(request)] = nil }

    // MARK: Readers

    func add(_ reader: any TailReader) {
        streams.attachReader(reader.name)
        let group: StreamGroup
        if let existing = groups[reader.name] {
            group = existing
            group.add(reader)
        } else {
            group = StreamGroup(name: reader.name, eventLoop: eventLoop)
            groups[reader.name] = group
            group.add(reader)
            if let mailbox { streams.follow(reader.name, mailbox) }
        }
    }

    func remove(_ reader: any TailReader) {
        guard let group = groups[reader.name], group.remove(reader) else { return }
        streams.detachReader(reader.name)
        if group.isEmpty {
            groups[reader.name] = nil
            if let mailbox { streams.unfollow(reader.name, mailbox) }
        }
    }

    /// The reconnection time a farewell carries: jittered, so that a crowd does not come back as one.
    func jitteredRetry(_ why: ReconnectReason) -> Int {
        Int.random(in: why.retryRange)
    }

    // MARK: What happens

    private func readMail() {
        guard let mail = mailbox?.take() else { return }
        // Runs of commits of one stream become one batch: one buffer, and one write for each reader. That retention
        // trims between them breaks no run: whoever is handed the items missed nothing.
        var runs: [StreamName: [CommittedItem]] = [:]
        var floors: [StreamName: Offset] = [:]
        var order: [StreamName] = []
        for (name, signal) in mail {
            switch signal {
            case .committed(let item):
                if let last = runs[name]?.last, last.last != item.previous || last.end != nil {
                    deliver(runs.removeValue(forKey: name), to: name)
                }
                if runs[name] == nil { order.append(name) }
                runs[name, default: []].append(item)
            case .trimmed(let floor): floors[name] = floor
            default:
                deliver(runs.removeValue(forKey: name), to: name)
                if let floor = floors.removeValue(forKey: name) { groups[name]?.signal(.trimmed(floor: floor)) }
                groups[name]?.signal(signal)
            }
        }
        for name in order { deliver(runs.removeValue(forKey: name), to: name) }
        for (name, floor) in floors { groups[name]?.signal(.trimmed(floor: floor)) }
    }

    private func deliver(_ items: [CommittedItem]?, to name: StreamName) {
        guard let items, let group = groups[name] else { return }
        group.committed(items)
    }

    private func tick() {
        let now = NIODeadline.now()
        for connection in connections.values { connection.tick(now: now) }
        for request in hosted.values { request.tick(now: now) }
    }

    // MARK: Drain

    /// Begins to move everyone elsewhere: readers of streams that nobody writes are asked to come back at once; those
    /// of a stream with a producer at work stay for its end. New connections are welcome: who appends to a stream that is
    /// being written may do so on one.
    func beginDraining() {
        isDraining = true
        // A request may be under way on a connection that is idle here: it is answered, and is the last.
        for connection in connections.values where connection.mayLeave { connection.drain(closingIdle: false) }
        for request in hosted.values where request.mayLeave { request.drain() }
    }

    /// The deadline has come: everybody goes.
    func endDraining() {
        for connection in connections.values { connection.drain(closingIdle: true) }
        for request in hosted.values { request.drain() }
    }

    /// What happened on this loop, and how it is now.
    var metrics: DataPlaneMetrics {
        var metrics = counts
        for connection in connections.values {
            if let subscriber = connection.subscriber {
                if subscriber.isHeld {
                    metrics.heldReaders += 1
                } else {
                    metrics.readers[subscriber.form, default: 0] += 1
                }
            }
            if connection.longPoll != nil { metrics.longPolls += 1 }
        }
        return metrics
    }

    /// Connections that still have something to do.
    var busyConnections: Int { connections.values.count { $0.isBusy } + hosted.count }
}
