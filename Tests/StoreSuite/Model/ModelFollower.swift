import Locks
package import StreamCore

/// A reader that obeys the hub's rule: wait until ready, read, then take an item only if its predecessor is the last
/// one delivered; anything else means read again.
@available(freshet 0.1, *)
package final class ModelFollower {
    /// What was signalled and not yet acted on.
    package final class Inbox: TailListener {
        private let signals = Mutex<[StreamSignal]>([])

        package func signal(_ signal: StreamSignal, of name: StreamName) { signals.withLock { $0.append(signal) } }

        package func wake() {}

        func take(_ limit: Int) -> [StreamSignal] {
            signals.withLock { signals in
                let some = Array(signals.prefix(limit))
                signals.removeFirst(some.count)
                return some
            }
        }
    }

    /// What the reader was shown, in order.
    package enum Shown: Equatable {
        /// From here on it is not what follows what was shown before, but what follows this floor.
        case gap(floor: Offset)
        case event(StreamEvent)
        case end(StreamEnd)
        case removed(Removal)
    }

    let name: StreamName
    /// The node at which it follows.
    let streams: Streams
    package let inbox = Inbox()
    package private(set) var shown: [Shown] = []
    private(set) var hasRead = false
    private(set) var position: ReadPosition
    private var isReady = false
    private var mustRead = true
    package private(set) var isOver = false

    package init(name: StreamName, at streams: Streams, from position: ReadPosition) {
        self.name = name
        self.streams = streams
        self.position = position
    }

    /// Acts on some of what was signalled, and reads where that is needed. True when it read.
    package func pump(signals limit: Int, page: PageLimit) async throws -> Bool {
        for signal in inbox.take(limit) where !isOver { take(signal) }
        let reads = isReady && mustRead && !isOver
        while isReady, mustRead, !isOver {
            guard let page = try await streams.read(name, from: position, limit: page) else { return true }
            hasRead = true
            if page.standing != .exact { shown.append(.gap(floor: page.floor)) }
            show(page.events, page.end)
            position = .after(page.last)
            mustRead = !page.isAtTail
        }
        return reads
    }

    private func take(_ signal: StreamSignal) {
        switch signal {
        case .ready, .created:
            isReady = true
            mustRead = true
        case .committed(let item):
            guard isReady, !mustRead, case .after(let cursor) = position else { return }
            if item.previous == cursor {
                show(Array(item.events), item.end)
                position = .after(item.last)
            } else if item.last > cursor || item.end != nil {
                mustRead = true
            }
        case .trimmed(let floor):
            if case .after(let cursor) = position, cursor < floor { mustRead = true }
        case .removed(let removal):
            shown.append(.removed(removal))
            isOver = true
        case .superseded: break
        case .broken:
            isReady = false
            mustRead = true
        }
    }

    private func show(_ events: [StreamEvent], _ end: StreamEnd?) {
        shown += events.map(Shown.event)
        guard let end else { return }
        shown.append(.end(end))
        isOver = true
    }
}
