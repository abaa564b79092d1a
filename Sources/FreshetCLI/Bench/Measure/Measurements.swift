import Locks

/// Everything that is measured in a run, by whichever thread. Everything shared is behind its mutex.
@available(freshet 0.1, *)
final class Measurements: Sendable {
    /// What durations are measured of.
    enum Series: Int, CaseIterable {
        case acknowledgement, delivery, between, open, firstToken, betweenTokens, whole
        /// How late the client was with what was due.
        case lateness
        /// How late the client's loops came to their work.
        case loopLag
    }

    /// What is counted.
    enum Counter: Int, CaseIterable {
        case requests, appended, received, receivedBySlow, bytes, opened, finished, tokens
        /// Events that were due while the one before them on the same connection was not yet answered.
        case held
        /// Readers that take slowly, left behind by the server.
        case slowCut
    }

    /// In the whole run, and in the part of it that is measured.
    struct Count: Equatable {
        var all = 0
        var measured = 0
    }

    private struct State {
        var from: UInt64 = .max
        var until: UInt64 = .max
        var histograms = [Histogram](repeating: Histogram(), count: Series.allCases.count)
        var counts = [Count](repeating: Count(), count: Counter.allCases.count)
        var errors: [String: Int] = [:]
        var protocols: Set<String> = []
        var isOver = false
        /// What this process had used at a time: when the first and the last of the measured part were looked at.
        var usage: (first: (time: UInt64, seconds: Double), last: (time: UInt64, seconds: Double))?

        func isMeasured(_ time: UInt64) -> Bool { time >= from && time < until }
    }

    /// Kinds of errors that are told apart; further ones share a name.
    static let mostKinds = 20

    private let state = Mutex(State())

    /// From now on, what is due or happens in this time is measured.
    func measure(from: UInt64, until: UInt64) {
        state.withLock { ($0.from, $0.until) = (from, until) }
    }

    /// What comes later is neither counted nor an error: the run takes its connections down.
    func end() { state.withLock { $0.isOver = true } }

    var isOver: Bool { state.withLock { $0.isOver } }

    /// Seconds since the measured part began, negative before; nil while its time is not known.
    var elapsed: Double? {
        state.withLock { $0.from == .max ? nil : (Double(BenchClock.now) - Double($0.from)) / 1e9 }
    }

    /// What this process has used so far, in seconds of processor time; called again and again.
    func note(processorSeconds seconds: Double, at now: UInt64) {
        state.withLock { state in
            guard state.isMeasured(now), !state.isOver else { return }
            state.usage = (state.usage?.first ?? (now, seconds), (now, seconds))
        }
    }

    /// Processors that this process used in the measured part, on average.
    var processors: Double {
        state.withLock { state in
            guard let (first, last) = state.usage, last.time > first.time else { return 0 }
            return (last.seconds - first.seconds) / (Double(last.time - first.time) / 1e9)
        }
    }

    /// A duration in nanoseconds that began with something due at this time.
    func record(_ series: Series, from due: UInt64, to now: UInt64) {
        state.withLock { state in
            guard !state.isOver, state.isMeasured(due) else { return }
            state.histograms[series.rawValue].record(microseconds: now > due ? (now - due) / 1000 : 0)
        }
    }

    /// Counts what happens at this time.
    func count(_ counter: Counter, _ amount: Int = 1, at now: UInt64) {
        state.withLock { state in
            guard !state.isOver else { return }
            state.counts[counter.rawValue].all += amount
            if state.isMeasured(now) { state.counts[counter.rawValue].measured += amount }
        }
    }

    func fail(_ kind: String, _ amount: Int = 1) {
        state.withLock { state in
            guard !state.isOver else { return }
            let isKnown = state.errors[kind] != nil || state.errors.count < Self.mostKinds
            state.errors[isKnown ? kind : "others", default: 0] += amount
        }
    }

    /// The protocol of a response, such as `HTTP/2`.
    func spoke(_ name: String) { state.withLock { _ = $0.protocols.insert(name) } }

    func histogram(_ series: Series) -> Histogram { state.withLock { $0.histograms[series.rawValue] } }

    func count(_ counter: Counter) -> Count { state.withLock { $0.counts[counter.rawValue] } }

    var errors: [String: Int] { state.withLock { $0.errors } }

    var protocols: [String] { state.withLock { $0.protocols.sorted() } }
}
