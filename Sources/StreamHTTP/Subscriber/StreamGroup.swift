import StreamCore

/// The readers of one stream on one event loop, kept densely so that handing on a batch is one pass.
final class StreamGroup {
    let name: StreamName
    private var subscribers: [Subscriber] = []
    private var isReady = false

    init(name: StreamName) {
        self.name = name
    }

    var isEmpty: Bool { subscribers.isEmpty }

    func add(_ subscriber: Subscriber) {
        subscriber.index = subscribers.count
        subscribers.append(subscriber)
        if isReady { subscriber.ready() }
    }

    /// False when the subscriber was not here.
    func remove(_ subscriber: Subscriber) -> Bool {
        let index = subscriber.index
        guard index < subscribers.count, subscribers[index] === subscriber else { return false }
        let last = subscribers.removeLast()
        if last !== subscriber {
            subscribers[index] = last
            last.index = index
        }
        return true
    }

    func committed(_ batch: TailBatch) {
        for subscriber in subscribers { subscriber.committed(batch) }
    }

    /// Anything but commits.
    func signal(_ signal: StreamSignal) {
        switch signal {
        case .ready:
            isReady = true
            for subscriber in subscribers { subscriber.ready() }
        case .created: for subscriber in subscribers { subscriber.created() }
        case .trimmed(let floor): for subscriber in subscribers { subscriber.trimmed(floor: floor) }
        case .removed(let removal): for subscriber in subscribers { subscriber.removed(removal) }
        case .broken:
            isReady = false
            for subscriber in subscribers { subscriber.broken() }
        case .committed: preconditionFailure("commits come as batches")
        }
    }
}
