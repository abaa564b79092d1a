import Locks
import StoreSuite
import StreamCore

/// Remembers, beyond every loss of power, what a store promised.
final class Witness: Sendable {
    private struct State {
        var streams: [StreamName: WitnessedStream] = [:]
        /// The highest offset that anybody has, and what it was when the store was opened.
        var highest = Offset(milliseconds: 0, counter: 0)
        var highestBefore = Offset(milliseconds: 0, counter: 0)
        var texts = 0
        /// Of each idempotent producer, the request that was sent last.
        var producers: [String: Sent] = [:]
        var problems: [String] = []
    }

    struct Sent {
        var sequence: UInt64
        var request: Int
        var isAcknowledged = false
    }

    private let state = Mutex(State())

    var problems: [String] { state.withLock(\.problems) }

    func note(_ problem: String) { state.withLock { $0.problems.append(problem) } }

    func change(_ name: StreamName, _ body: (inout WitnessedStream) -> Void) {
        state.withLock { body(&$0.streams[name, default: WitnessedStream()]) }
    }

    func expect(_ name: StreamName, _ stream: WitnessedStream) {
        state.withLock { if $0.streams[name] == nil { $0.streams[name] = stream } }
    }

    /// A request that is about to be sent: its number in the stream, and texts that were never used.
    func ask(_ name: StreamName, count: Int, padding: Int) -> (number: Int, texts: [String]) {
        state.withLock { state in
            state.texts += 1
            let texts = (0..<count).map { "\(state.texts).\($0) " + String(repeating: "x", count: padding) }
            var stream = state.streams[name] ?? WitnessedStream()
            stream.requests.append(WitnessedStream.Request(texts: texts))
            state.streams[name] = stream
            return (stream.requests.count - 1, texts)
        }
    }

    func texts(_ name: StreamName, _ number: Int) -> [String] {
        state.withLock { $0.streams[name]?.requests[number].texts ?? [] }
    }

    func stream(_ name: StreamName) -> WitnessedStream {
        state.withLock { $0.streams[name] ?? WitnessedStream() }
    }

    func acknowledge(_ name: StreamName, _ number: Int, tail: Offset? = nil) {
        if let tail { gave(tail) }
        change(name) { stream in
            stream.requests[number].isAcknowledged = true
            stream.requests[number].tail = tail ?? stream.requests[number].tail
        }
    }

    /// The store gave out an offset that is new.
    func gave(_ offset: Offset) {
        state.withLock { state in
            if offset <= state.highestBefore { state.problems.append("\(offset) was given out a second time") }
            state.highest = max(state.highest, offset)
        }
    }

    func sent(_ producer: String) -> Sent? { state.withLock { $0.producers[producer] } }

    func send(_ producer: String, _ sent: Sent) { state.withLock { $0.producers[producer] = sent } }

    /// What a watcher was told.
    func show(_ name: StreamName, _ items: [CommittedItem]) {
        for item in items {
            show(name, Array(item.events))
            if let end = item.end {
                gave(end.offset)
                change(name) { $0.end = end }
            }
        }
    }

    func show(_ name: StreamName, _ events: [StreamEvent]) {
        if let last = events.last?.offset { state.withLock { $0.highest = max($0.highest, last) } }
        change(name) { stream in for event in events { stream.shown[event.offset] = event.text } }
    }

    /// Holds a store that was just opened to everything.
    func examine(_ store: some StreamStore) async throws {
        for (name, stream) in state.withLock(\.streams) {
            let kept = try await WitnessedStream.Kept(store, name)
            let found = stream.problems(name, kept)
            state.withLock { state in
                state.problems += found
                if let kept {
                    let end = kept.info.end?.offset ?? kept.info.tail
                    state.highest = max(state.highest, kept.info.tail, kept.info.birth, end)
                }
            }
            // Who reads now is shown this.
            if let kept, stream.removal == .no {
                show(name, kept.events)
                change(name) { stream in
                    stream.birth = kept.info.birth
                    stream.end = kept.info.end
                }
            }
        }
        state.withLock { $0.highestBefore = $0.highest }
    }
}
