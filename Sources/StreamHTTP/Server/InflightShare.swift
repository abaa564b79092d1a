import NIOCore

/// What one request, or the way out of one connection, holds of the budget of memory. It belongs to an event loop.
@available(freshet 0.1, *)
final class InflightShare {
    private let budget: InflightBudget
    private let address: String
    private let giveWay: @Sendable () -> Void
    private var held = 0
    private var kind = InflightBudget.Kind.body

    /// - Parameter giveWay: called on the loop, later, when the owner is to give way.
    init<Owner: AnyObject>(
        of owner: Owner,
        from address: String,
        on loop: HTTPLoop,
        giveWay: @escaping @Sendable (Owner) -> Void
    ) {
        budget = loop.configuration.inflight
        self.address = address
        let eventLoop = loop.eventLoop
        let weak = NIOLoopBound(Weak(owner), eventLoop: eventLoop)
        self.giveWay = {
            eventLoop.execute { if let owner = weak.value.object { giveWay(owner) } }
        }
    }

    deinit { if held > 0 { budget.release(self) } }

    /// So many bytes are held now. Little counts as nothing.
    ///
    /// - Parameters:
    ///   - hasMoved: some of what is held was taken, also where that frees nothing yet.
    ///   - isTaken: much of what waited has been taken.
    func hold(_ bytes: Int, _ kind: InflightBudget.Kind, hasMoved: Bool = false, isTaken: Bool = false) {
        let bytes = bytes < InflightBudget.petty ? 0 : bytes
        guard bytes != held || kind != self.kind || hasMoved else { return }
        let isNothing = held == 0 && bytes == 0
        held = bytes
        self.kind = kind
        if isNothing { return }
        if bytes == 0 { return budget.release(self) }
        budget.hold(bytes, kind, for: self, from: address, isTaken: isTaken, giveWay: giveWay)
    }

    /// It was to give way and does not have to: of what it holds, so many bytes are left, and are being taken.
    func stay(_ bytes: Int) {
        held = bytes < InflightBudget.petty ? 0 : bytes
        budget.hold(held, kind, for: self, from: address, isTaken: true, stays: true, giveWay: giveWay)
    }
}

@available(freshet 0.1, *)
private struct Weak<Object: AnyObject> {
    weak var object: Object?

    init(_ object: Object) { self.object = object }
}
