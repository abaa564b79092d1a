import Locks

/// How many connections there are, in all and per address, on all loops.
final class ConnectionCensus: Sendable {
    enum Verdict {
        case welcome
        /// One too many: its request is refused politely.
        case refuse(ConnectionRefusal)
        /// So many too many that even a refusal costs too much.
        case close
    }

    private let counts = Mutex<(total: Int, perAddress: [String: Int])>((0, [:]))
    private let limit: Int
    private let limitPerAddress: Int
    /// How many connections beyond the limit are kept long enough to be told why.
    private var courtesy: Int { 64 + limit / 10 }

    init(limit: Int, limitPerAddress: Int) {
        self.limit = limit
        self.limitPerAddress = limitPerAddress
    }

    /// Counts a connection in; unless it is to be closed, `leave` must follow.
    func enter(_ address: String) -> Verdict {
        counts.withLock { counts in
            guard counts.total < limit + courtesy else { return .close }
            let here = counts.perAddress[address, default: 0]
            if limitPerAddress > 0, here >= limitPerAddress + courtesy { return .close }
            counts.total += 1
            counts.perAddress[address] = here + 1
            if counts.total > limit { return .refuse(.tooManyConnections) }
            if limitPerAddress > 0, here >= limitPerAddress { return .refuse(.tooManyFromAddress) }
            return .welcome
        }
    }

    func leave(_ address: String) {
        counts.withLock { counts in
            counts.total -= 1
            let left = counts.perAddress[address, default: 1] - 1
            counts.perAddress[address] = left > 0 ? left : nil
        }
    }

    var total: Int { counts.withLock(\.total) }
}
