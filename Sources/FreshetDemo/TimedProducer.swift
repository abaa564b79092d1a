import StreamCore
import StreamHTTP

/// Writes pieces into a stream, each at its own moment, and ends it with the last.
@available(freshet 0.1, *)
struct TimedProducer: Sendable {
    let streams: Streams
    let name: StreamName
    /// When each piece is due, counted from the start.
    let pieces: [TimedPiece]

    func run() async {
        let clock = EventLoopClock()
        let start = clock.now
        for (index, piece) in pieces.enumerated() {
            do {
                try await clock.sleep(until: start + piece.due)
                let end = index == pieces.count - 1 ? EndRequest(.done) : nil
                let event = EventBody(data: piece.bytes)
                guard case .appended = try await streams.append(name, AppendRequest(events: [event], end: end)) else {
                    return
                }
            } catch {
                // Cancelled, or a store that keeps no more: the stream's lease says so to whoever reads.
                return
            }
        }
    }
}

/// A part of an answer that takes its time.
@available(freshet 0.1, *)
struct TimedPiece: Sendable, Equatable {
    var due: Duration
    var bytes: [UInt8]
}
