import NIOCore
import StreamCore

/// The readers of each stream on one event loop.
///
/// Bound to the loop: no lock is taken to deliver.
@available(freshet 0.1, *)
final class LoopPlane {
    let eventLoop: any EventLoop
    let streams: Streams
    let configuration: DataPlaneConfiguration
    let held: HeldReaders
    /// Who is to be given a page here.
    let pages: PageLine
    /// What happened here.
    var counts = DataPlaneMetrics()
    private var groups: [StreamName: StreamGroup] = [:]
    private var mailbox: Mailbox?

    private struct Weakly {
        weak var plane: LoopPlane?
    }

    init(eventLoop: any EventLoop, streams: Streams, configuration: DataPlaneConfiguration, held: HeldReaders) {
        self.eventLoop = eventLoop
        self.streams = streams
        self.configuration = configuration
        self.held = held
        self.pages = PageLine(eventLoop: eventLoop, budget: configuration.inflight)
    }

    func start() {
        // The mailbox is the plane's: it does not keep it.
        let bound = NIOLoopBound(Weakly(plane: self), eventLoop: eventLoop)
        mailbox = Mailbox(eventLoop: eventLoop) { bound.value.plane?.readMail() }
    }

    /// What happened on this loop, and who reads there now.
    var metrics: DataPlaneMetrics {
        var metrics = counts
        for group in groups.values { group.count(into: &metrics) }
        return metrics
    }

    /// Some of the readers that a stream has here: behind the first ones, up to a limit.
    func readers(of name: StreamName, behind first: Int, limit: Int) -> [ReaderStanding] {
        groups[name]?.standings(behind: first, limit: limit) ?? []
    }

    // MARK: Readers

    func add(_ reader: any TailReader) {
        streams.attachReader(reader.name)
        let group: StreamGroup
        if let existing = groups[reader.name] {
            group = existing
            group.add(reader)
        } else {
            group = StreamGroup(
                name: reader.name,
                eventLoop: eventLoop,
                largeBytes: configuration.inflight.limit / 8,
                inTurn: { [pages] handOn in
                    pages.take { turn in
                        handOn()
                        turn.end()
                    }
                },
                delivered: { [weak self] in self?.counts.deliveryTimes.add(Duration($0)) }
            )
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
        guard let (mail, since) = mailbox?.take() else { return }
        // Runs of commits of one stream become one batch: one buffer, and one write for each reader. That retention
        // trims between them breaks no run: whoever is handed the items missed nothing.
        var runs: [StreamName: [CommittedItem]] = [:]
        var floors: [StreamName: Offset] = [:]
        var order: [StreamName] = []
        for (name, signal) in mail {
            switch signal {
            case .committed(let item):
                if let last = runs[name]?.last, last.last != item.previous || last.end != nil {
                    deliver(runs.removeValue(forKey: name), to: name, since)
                }
                if runs[name] == nil { order.append(name) }
                runs[name, default: []].append(item)
            case .trimmed(let floor): floors[name] = floor
            default:
                deliver(runs.removeValue(forKey: name), to: name, since)
                if let floor = floors.removeValue(forKey: name) { groups[name]?.signal(.trimmed(floor: floor)) }
                groups[name]?.signal(signal)
            }
        }
        for name in order { deliver(runs.removeValue(forKey: name), to: name, since) }
        for (name, floor) in floors { groups[name]?.signal(.trimmed(floor: floor)) }
    }

    private func deliver(_ items: [CommittedItem]?, to name: StreamName, _ since: NIODeadline) {
        guard let items, let group = groups[name] else { return }
        group.committed(items, since: since)
    }
}
