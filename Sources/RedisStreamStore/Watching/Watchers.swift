import Locks
import StreamCore

/// Who watches which stream on this node, and what they are told.
///
/// A stream is subscribed to while somebody watches it, and for a while after: whoever loads a page again comes back.
/// What happened is told in the order in which it was heard, under the lock; the watchers are woken outside of it.
@available(freshet 0.1, *)
final class Watchers: Sendable {
    private struct Watched {
        /// Which subscription this is: one that was given up may still be heard of.
        let number: UInt64
        var subscription: RedisSubscription?
        var isReady = false
        var told = ToldPosition()
        var watchers: [ObjectIdentifier: any StreamWatcher] = [:]
        /// Since when nobody watches.
        var idleSince: Duration?

        mutating func tell(_ signals: [StreamSignal]) {
            for watcher in watchers.values { for signal in signals { watcher.signal(signal) } }
        }

        /// Nobody knows what happened: all read again.
        mutating func readAgain() {
            told.lose()
            tell([.broken, .ready])
        }
    }

    private struct State {
        var streams: [StreamName: Watched] = [:]
        var count: UInt64 = 0
        var isClosed = false
    }

    private let state = Mutex(State())
    private let subscriptions: any RedisSubscriptions
    private let keys: StreamKeys
    private let linger: Duration
    private let time: any TimeSource

    /// - Parameter linger: how long a stream stays subscribed to that nobody watches any more.
    init(_ subscriptions: any RedisSubscriptions, keys: StreamKeys, linger: Duration, time: any TimeSource) {
        self.subscriptions = subscriptions
        self.keys = keys
        self.linger = linger
        self.time = time
    }

    func watch(_ name: StreamName, _ watcher: any StreamWatcher) {
        let (isReady, new) = state.withLock { state -> (Bool, UInt64?) in
            let isNew = state.streams[name] == nil
            if isNew {
                guard !state.isClosed else { return (false, nil) }
                state.count += 1
                state.streams[name] = Watched(number: state.count)
            }
            guard let index = state.streams.index(forKey: name) else { return (false, nil) }
            state.streams.values[index].watchers[ObjectIdentifier(watcher)] = watcher
            state.streams.values[index].idleSince = nil
            if state.streams.values[index].isReady { watcher.signal(.ready) }
            return (state.streams.values[index].isReady, isNew ? state.count : nil)
        }
        if isReady { watcher.wake() }
        guard let new else { return }
        let subscription = subscriptions.subscribe(keys.channel(of: name)) { [weak self] signal in
            self?.hear(signal, of: name, by: new)
        }
        let isKept = state.withLock { state in
            guard state.streams[name]?.number == new else { return false }
            state.streams[name]?.subscription = subscription
            return true
        }
        if !isKept { subscription.cancel() }
    }

    func unwatch(_ name: StreamName, _ watcher: any StreamWatcher) {
        state.withLock { state in
            guard state.streams[name]?.watchers.removeValue(forKey: ObjectIdentifier(watcher)) != nil else { return }
            if state.streams[name]?.watchers.isEmpty == true { state.streams[name]?.idleSince = time.monotonic() }
        }
        if linger == .zero { releaseIdle() }
    }

    /// Whether Redis has this node among those that are subscribed to the stream's channel.
    func isSubscribed(_ name: StreamName) -> Bool { state.withLock { $0.streams[name]?.isReady ?? false } }

    /// Tells of what a call of this node did, before it is acknowledged. Who is not ready reads later than that.
    func tell(_ name: StreamName, _ news: @autoclosure () -> [StreamNews]) {
        let woken = state.withLock { state -> [any StreamWatcher] in
            guard !state.streams.isEmpty, let index = state.streams.index(forKey: name) else { return [] }
            return Self.take(news(), &state.streams.values[index])
        }
        for watcher in woken { watcher.wake() }
    }

    private static func take(_ news: [StreamNews], _ watched: inout Watched) -> [any StreamWatcher] {
        guard watched.isReady, !watched.watchers.isEmpty else {
            watched.told.lose()
            return []
        }
        let signals = news.flatMap { watched.told.take($0) }
        guard !signals.isEmpty else { return [] }
        watched.tell(signals)
        return Array(watched.watchers.values)
    }

    private func hear(_ signal: RedisSubscriptionSignal, of name: StreamName, by number: UInt64) {
        let woken = state.withLock { state -> [any StreamWatcher] in
            guard let index = state.streams.index(forKey: name), state.streams.values[index].number == number else {
                return []
            }
            switch signal {
            case .ready:
                state.streams.values[index].isReady = true
                state.streams.values[index].tell([.ready])
            case .lost:
                state.streams.values[index].isReady = false
                state.streams.values[index].told.lose()
                state.streams.values[index].tell([.broken])
            case .message(let bytes):
                if let news = StreamMessage.news(in: bytes) { return Self.take(news, &state.streams.values[index]) }
                state.streams.values[index].readAgain()
            }
            return Array(state.streams.values[index].watchers.values)
        }
        for watcher in woken { watcher.wake() }
    }

    /// What is kept may be other than what was told, without a message: everybody reads again.
    func readAgain() {
        let woken = state.withLock { state -> [any StreamWatcher] in
            var woken: [any StreamWatcher] = []
            for index in state.streams.values.indices where state.streams.values[index].isReady {
                state.streams.values[index].readAgain()
                woken += state.streams.values[index].watchers.values
            }
            return woken
        }
        for watcher in woken { watcher.wake() }
    }

    /// Gives up the subscriptions of streams that nobody has watched for a while.
    func releaseIdle() {
        let now = time.monotonic()
        let idle = state.withLock { state -> [RedisSubscription] in
            var idle: [RedisSubscription] = []
            for (name, watched) in state.streams {
                guard let since = watched.idleSince, now - since >= linger else { continue }
                state.streams[name] = nil
                if let subscription = watched.subscription { idle.append(subscription) }
            }
            return idle
        }
        for subscription in idle { subscription.cancel() }
    }

    func close() {
        let all = state.withLock { state in
            state.isClosed = true
            defer { state.streams = [:] }
            return state.streams.values.compactMap(\.subscription)
        }
        for subscription in all { subscription.cancel() }
    }
}
