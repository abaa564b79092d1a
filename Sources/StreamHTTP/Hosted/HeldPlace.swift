import Locks
import StreamCore

/// The place of a reader that waits for a stream which does not exist, until a subscriber takes it over.
///
/// What another server does with an answer is not known: one that is dropped before its body is asked for, by a
/// middleware or because the peer has gone, gives the place back.
package final class HeldPlace: Sendable {
    private let held: HeldReaders
    private let name: StreamName?
    private let isTakenOver = Mutex(false)

    /// - Parameter plan: a plan that holds a place, or none.
    package init(of plan: SubscriptionPlan, _ held: HeldReaders) {
        self.held = held
        if case .held = plan.opening { name = plan.name } else { name = nil }
    }

    /// The subscriber gives it back.
    package func takeOver() { isTakenOver.withLock { $0 = true } }

    deinit {
        if let name, !isTakenOver.withLock(\.self) { held.give(back: name) }
    }
}
