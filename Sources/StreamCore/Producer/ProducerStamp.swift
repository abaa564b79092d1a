/// What an idempotent producer sends with a request, so that a retry doubles nothing
/// (Durable Streams protocol, section 5.2.1).
@available(freshet 0.1, *)
package struct ProducerStamp: Hashable, Sendable {
    package var id: String
    package var epoch: UInt64
    package var sequence: UInt64

    /// The highest epoch or sequence: the largest integer that JavaScript holds exactly.
    package static let maximumNumber: UInt64 = (1 << 53) - 1

    package init(id: String, epoch: UInt64, sequence: UInt64) {
        self.id = id
        self.epoch = epoch
        self.sequence = sequence
    }
}

/// What a stream remembers of one producer.
@available(freshet 0.1, *)
package struct ProducerState: Hashable, Sendable {
    package var epoch: UInt64
    /// The highest sequence that was accepted in that epoch.
    package var sequence: UInt64

    package init(epoch: UInt64, sequence: UInt64) {
        self.epoch = epoch
        self.sequence = sequence
    }
}

/// What a stamp means against what is remembered.
@available(freshet 0.1, *)
package enum ProducerVerdict: Equatable, Sendable {
    case accept(ProducerState)
    case duplicate(ProducerState)
    case fenced(currentEpoch: UInt64)
    case epochMustStartAtZero
    case gap(expected: UInt64, received: UInt64)

    package static func judge(_ stamp: ProducerStamp, against state: ProducerState?) -> ProducerVerdict {
        let accepted = ProducerState(epoch: stamp.epoch, sequence: stamp.sequence)
        guard let state else {
            return stamp.sequence == 0 ? .accept(accepted) : .gap(expected: 0, received: stamp.sequence)
        }
        if stamp.epoch < state.epoch { return .fenced(currentEpoch: state.epoch) }
        if stamp.epoch > state.epoch { return stamp.sequence == 0 ? .accept(accepted) : .epochMustStartAtZero }
        if stamp.sequence <= state.sequence { return .duplicate(state) }
        if stamp.sequence == state.sequence + 1 { return .accept(accepted) }
        return .gap(expected: state.sequence + 1, received: stamp.sequence)
    }
}
