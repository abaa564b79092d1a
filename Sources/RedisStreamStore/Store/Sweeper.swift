import Locks
import StreamCore

/// When a node sweeps, and what it has seen of streams of which it does not know yet whether they are due.
@available(freshet 0.1, *)
final class Sweeper: Sendable {
    /// How long a stream that is being looked at is left alone by the other nodes.
    static let hold: Duration = .seconds(10)
    /// How often a stream that is only kept for its forks is looked at.
    static let graveInterval: Duration = .seconds(3600)
    /// After how many milliseconds a fork that is not there will not be made any more.
    static let staleFork = 600_000
    /// How many streams are looked at in one step.
    static let portion = 64

    private struct Seen {
        var version: String
        var since: Duration
    }

    private struct State {
        var isSweeping = false
        var next: Duration?
        var seen: [StreamName: Seen] = [:]
    }

    private let state = Mutex(State())
    private let time: any TimeSource
    private let interval: Duration

    /// - Parameter interval: how often this node sweeps at most.
    init(time: any TimeSource, interval: Duration) {
        self.time = time
        self.interval = interval
    }

    /// Whether it is time to sweep, and nobody does.
    func begin() -> Bool {
        let now = time.monotonic()
        return state.withLock { state in
            if state.isSweeping { return false }
            if let next = state.next, now < next { return false }
            state.isSweeping = true
            // Not all nodes at the same moments.
            state.next = now + interval * Double.random(in: 0.75...1.25)
            return true
        }
    }

    func finish() { state.withLock { $0.isSweeping = false } }

    /// The version that the stream had when it was first seen with it, and for how long it has been so.
    func seen(_ name: StreamName) -> (version: String, time: Duration)? {
        let now = time.monotonic()
        return state.withLock { state in state.seen[name].map { ($0.version, now - $0.since) } }
    }

    /// The stream is due by Redis's clock, and nobody knows for how long.
    func wait(_ name: StreamName, version: String) {
        let now = time.monotonic()
        state.withLock { state in
            if state.seen[name]?.version != version { state.seen[name] = Seen(version: version, since: now) }
        }
    }

    func forget(_ name: StreamName) { state.withLock { $0.seen[name] = nil } }

    /// What was seen over a connection that was lost says nothing.
    func forgetAll() { state.withLock { $0.seen = [:] } }
}
