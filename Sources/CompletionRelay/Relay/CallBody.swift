import Locks
package import StreamHTTP

/// The whole body of a call, until its answer is over: an upstream may think for minutes, and of large bodies there may
/// be many.
@available(freshet 0.1, *)
package final class CallBody: Sendable {
    private struct Held {
        var bytes: [UInt8] = []
        var claim: InflightClaim?
    }

    package let count: Int
    private let held: Mutex<Held>

    /// - Parameter claim: what it takes of the memory for what is in flight; nil where that is not counted.
    package init(_ bytes: [UInt8], claim: InflightClaim? = nil) {
        count = bytes.count
        held = Mutex(Held(bytes: bytes, claim: claim))
    }

    /// Nothing when it was let go of.
    var bytes: [UInt8] { held.withLock(\.bytes) }

    /// Counts it in the memory for what is in flight, where that is not done yet.
    func claim(for request: RelayRequest) throws(Problem) {
        guard held.withLock({ $0.claim == nil }) else { return }
        let claim = try request.claim(count)
        held.withLock { $0.claim = claim }
    }

    /// The bytes, for somebody who keeps them until the call is over: here they are not any more, but they are counted.
    func handOver() -> [UInt8] {
        held.withLock { held in
            defer { held.bytes = [] }
            return held.bytes
        }
    }

    /// Nobody needs it any more.
    func drop() {
        // What a claim frees is told outside the lock.
        _ = held.withLock { held in
            defer { held = Held() }
            return held
        }
    }
}
