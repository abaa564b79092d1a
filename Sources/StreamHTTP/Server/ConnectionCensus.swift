import DequeModule
import Locks

/// How many connections there are, in all and per address, on all loops.
@available(freshet 0.1, *)
final class ConnectionCensus: Sendable {
    /// A connection that was counted in, and is to be counted out.
    struct Entry: Sendable {
        let address: String
        /// Why its request is refused politely; nil for one that is served.
        let refusal: ConnectionRefusal?
        fileprivate let number: UInt64
    }

    private struct Refused {
        var number: UInt64
        var close: @Sendable () -> Void
    }

    private struct State {
        var limits: ConnectionLimits
        /// There are no descriptors left, whatever the limits say: nobody new is served.
        var isScarce = false
        var open = 0
        var isFull = false
        var served = 0
        var perAddress: [String: Int] = [:]
        /// In the order of their coming.
        var refused: Deque<Refused> = []
        var next: UInt64 = 0

        /// How many that are not served are kept long enough to be told why.
        var courtesy: Int { isScarce ? min(limits.courtesy, DescriptorReserve.size / 2) : limits.courtesy }

        func refusal(of address: String) -> ConnectionRefusal? {
            if isScarce || served >= limits.connections { return .tooManyConnections }
            let isOne = limits.perAddress > 0 && perAddress[address, default: 0] >= limits.perAddress
            return isOne ? .tooManyFromAddress : nil
        }
    }

    private let state: Mutex<State>

    init(_ limits: ConnectionLimits) {
        state = Mutex(State(limits: limits))
    }

    var limits: ConnectionLimits {
        get { state.withLock(\.limits) }
        set { state.withLock { $0.limits = newValue } }
    }

    /// While there are no descriptors left, everybody who comes is refused.
    var isScarce: Bool {
        get { state.withLock(\.isScarce) }
        set { state.withLock { $0.isScarce = newValue } }
    }

    /// Counts a connection in. One too many is refused politely; when there are too many of these, the one that came
    /// first has had its time and is closed. So whoever comes next is always heard.
    func enter(_ address: String, close: @escaping @Sendable () -> Void) -> Entry {
        let (entry, leaving) = state.withLock { state -> (Entry, Refused?) in
            state.next += 1
            let entry = Entry(address: address, refusal: state.refusal(of: address), number: state.next)
            guard entry.refusal != nil else {
                state.served += 1
                state.perAddress[address, default: 0] += 1
                return (entry, nil)
            }
            state.refused.append(Refused(number: entry.number, close: close))
            return (entry, state.refused.count > state.courtesy ? state.refused.popFirst() : nil)
        }
        leaving?.close()
        return entry
    }

    func leave(_ entry: Entry) {
        state.withLock { state in
            if entry.refusal != nil {
                if let index = state.refused.firstIndex(where: { $0.number == entry.number }) {
                    state.refused.remove(at: index)
                }
                return
            }
            state.served -= 1
            let left = state.perAddress[entry.address, default: 1] - 1
            state.perAddress[entry.address] = left > 0 ? left : nil
        }
    }

    /// No more connections may be accepted for now.
    var isFull: Bool { state.withLock(\.isFull) }

    /// A connection was accepted and will be looked at by its loop. True when no more may be accepted for now.
    func accepted() -> Bool {
        state.withLock { state in
            state.open += 1
            state.isFull = state.open >= state.limits.descriptors
            return state.isFull
        }
    }

    /// A connection's descriptor is free again. True when accepting may go on.
    func closed() -> Bool {
        state.withLock { state in
            state.open -= 1
            guard state.isFull, state.open < state.limits.descriptors else { return false }
            state.isFull = false
            return true
        }
    }

    /// Served and refused.
    var total: Int { state.withLock { $0.served + $0.refused.count } }
}
