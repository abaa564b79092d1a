import HeapModule
import Locks

/// The lifetimes of a node's streams, and the queue of their deadlines. Guarded by one lock.
@available(freshet 0.1, *)
final class LifetimeTable: Sendable {
    private struct Deadline: Comparable {
        var moment: Duration
        var name: StreamName

        static func < (left: Deadline, right: Deadline) -> Bool { left.moment < right.moment }
        static func == (left: Deadline, right: Deadline) -> Bool { left.moment == right.moment }
    }

    private struct State {
        var lifetimes: [StreamName: Lifetime] = [:]
        /// May hold a stream more than once and too early: what is due is decided by the lifetime when it comes up.
        var deadlines = Heap<Deadline>()
    }

    private let state = Mutex(State())
    private let time: any TimeSource
    private let isKeptByStore: Bool

    /// - Parameter isKeptByStore: the store ends and expires the streams.
    init(time: any TimeSource, isKeptByStore: Bool = false) {
        self.time = time
        self.isKeptByStore = isKeptByStore
    }

    private func newLifetime(_ now: Duration) -> Lifetime { Lifetime(now: now, isKeptByStore: isKeptByStore) }

    /// Changes a stream's lifetime, which is made if there is none, and queues its deadline.
    func update(_ name: StreamName, _ body: (inout Lifetime, Duration) -> Void) {
        let now = time.monotonic()
        state.withLock { state in
            var lifetime = state.lifetimes[name] ?? newLifetime(now)
            body(&lifetime, now)
            Self.store(lifetime, name, &state)
        }
    }

    /// Takes up the lease and the time to live of a stream that is there.
    func know(_ kept: KeptStream) {
        let info = kept.info
        let wall = time.wallMilliseconds()
        update(info.name) { lifetime, now in
            // Two creates with a deletion between them may come here in the other order.
            guard lifetime.birth.map({ $0 <= info.birth }) ?? true else { return }
            lifetime.exists = true
            lifetime.birth = info.birth
            lifetime.hasEnded = info.end != nil
            lifetime.timeToLive.touched = now - kept.idle
            // A store that nodes share does not know who is attached here: it is to be told at once.
            lifetime.timeToLive.told = isKeptByStore ? now - .seconds(86_400) : lifetime.timeToLive.touched
            lifetime.lease.length = info.options.leaseSeconds.map { .seconds($0) }
            lifetime.lease.start = now
            // What is left of a stream that went without this node's doing does not count for this one.
            lifetime.timeToLive.idle = nil
            lifetime.timeToLive.expiresAt = nil
            switch info.options.expiry {
            case .idle(let seconds): lifetime.timeToLive.idle = .seconds(seconds)
            case .at(let moment): lifetime.timeToLive.expiresAt = now + .milliseconds(moment) - .milliseconds(wall)
            case nil: break
            }
        }
    }

    /// Changes a stream's lifetime, unless something is due for it, which is returned instead.
    func updateUnlessDue(_ name: StreamName, _ body: (inout Lifetime) -> Void) -> Lifetime.Due {
        updateUnlessDue(name, at: time.monotonic(), body)
    }

    /// The same for who knows what time it is: each append comes here, and looks its stream up once.
    func updateUnlessDue(_ name: StreamName, at now: Duration, _ body: (inout Lifetime) -> Void) -> Lifetime.Due {
        state.withLock { state in
            guard let index = state.lifetimes.index(forKey: name) else {
                // Of a stream of which nothing is known nothing is due.
                var lifetime = newLifetime(now)
                body(&lifetime)
                Self.store(lifetime, name, &state)
                return .nothing
            }
            let due = state.lifetimes.values[index].due(at: now)
            guard due == .nothing else { return due }
            body(&state.lifetimes.values[index])
            Self.settle(at: index, name, &state)
            return .nothing
        }
    }

    /// Changes a stream's lifetime if it has one.
    func updateIfPresent(_ name: StreamName, _ body: (inout Lifetime, Duration) -> Void) {
        updateIfPresent(name, at: time.monotonic(), body)
    }

    /// The same for who knows what time it is.
    func updateIfPresent(_ name: StreamName, at now: Duration, _ body: (inout Lifetime, Duration) -> Void) {
        state.withLock { state in
            guard let index = state.lifetimes.index(forKey: name) else { return }
            body(&state.lifetimes.values[index], now)
            Self.settle(at: index, name, &state)
        }
    }

    func lifetime(of name: StreamName) -> Lifetime? { state.withLock { $0.lifetimes[name] } }

    /// The stream that was born there is gone; who is still attached to its name is remembered.
    func forget(_ name: StreamName, born birth: Offset?) {
        updateIfPresent(name) { lifetime, now in
            // The name may belong to a stream made anew meanwhile.
            guard lifetime.birth == birth else { return }
            var waiting = newLifetime(now)
            waiting.readers = lifetime.readers
            waiting.openProducers = lifetime.openProducers
            waiting.appending = lifetime.appending
            waiting.queued = lifetime.queued
            lifetime = waiting
        }
    }

    func due(_ name: StreamName) -> Lifetime.Due {
        let now = time.monotonic()
        return state.withLock { $0.lifetimes[name]?.due(at: now) ?? .nothing }
    }

    /// Streams for which something is due now. They are taken from the queue; whoever asks acts on them.
    ///
    /// - Parameter looks: how many deadlines are looked at, at most: appends wait meanwhile.
    /// - Returns: nil when no deadline has come.
    func takeDue(looks: Int) -> [(StreamName, Lifetime.Due)]? {
        let now = time.monotonic()
        return state.withLock { state in
            guard let first = state.deadlines.min, first.moment <= now else { return nil }
            var found: [(StreamName, Lifetime.Due)] = []
            for _ in 0..<looks {
                guard let first = state.deadlines.min, first.moment <= now else { break }
                state.deadlines.removeMin()
                guard var lifetime = state.lifetimes[first.name] else { continue }
                if lifetime.queued == first.moment { lifetime.queued = nil }
                let due = lifetime.due(at: now)
                if due != .nothing {
                    found.append((first.name, due))
                    state.lifetimes[first.name] = lifetime
                } else {
                    Self.store(lifetime, first.name, &state)
                }
            }
            return found
        }
    }

    /// How many deadlines are queued.
    var queued: Int { state.withLock(\.deadlines.count) }

    /// Drops the entries that streams long gone left in the queue.
    private static func compact(_ state: inout State) {
        state.deadlines = Heap(
            state.lifetimes.compactMap { name, lifetime in lifetime.queued.map { Deadline(moment: $0, name: name) } }
        )
    }

    private static func store(_ lifetime: Lifetime, _ name: StreamName, _ state: inout State) {
        state.lifetimes[name] = lifetime
        if let index = state.lifetimes.index(forKey: name) { settle(at: index, name, &state) }
    }

    /// Forgets a lifetime that says nothing any more, and queues the next moment of another.
    private static func settle(
        at index: Dictionary<StreamName, Lifetime>.Index,
        _ name: StreamName,
        _ state: inout State
    ) {
        let lifetime = state.lifetimes.values[index]
        guard !lifetime.isIdle else {
            state.lifetimes.remove(at: index)
            return
        }
        if let deadline = lifetime.deadline, lifetime.queued.map({ deadline < $0 }) ?? true {
            state.lifetimes.values[index].queued = deadline
            state.deadlines.insert(Deadline(moment: deadline, name: name))
        }
        if state.deadlines.count > 2 * state.lifetimes.count + 1024 { compact(&state) }
    }
}
