import Locks

/// How many HTTP/2 streams each address has open, on all connections and loops.
@available(freshet 0.1, *)
final class HTTP2StreamCensus: Sendable {
    private let limit: Int
    private let open = Mutex<[String: Int]>([:])

    /// - Parameter limit: 0 means no bound, and nothing is counted.
    init(limit: Int) {
        self.limit = limit
    }

    /// Counts one in. False when it is one more than there may be; it is to be counted out all the same.
    func enter(_ address: String) -> Bool {
        guard limit > 0 else { return true }
        return open.withLock { open in
            open[address, default: 0] += 1
            return open[address, default: 0] <= limit
        }
    }

    func leave(_ address: String) {
        guard limit > 0 else { return }
        open.withLock { open in
            let left = open[address, default: 1] - 1
            open[address] = left > 0 ? left : nil
        }
    }
}
