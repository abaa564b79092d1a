/// What a connection alone holds of what it has written and the peer has not taken.
@available(freshet 0.1, *)
struct UnsentOutput {
    private(set) var bytes = 0
    /// What the write before holds of it.
    private var bytesBefore = 0
    /// What had been taken when that was last noted.
    private var takenWhenNoted: UInt64 = 0
    private var hasMoved = false
    private var progress = OutputProgress()

    /// Whether the peer has taken much of what waited for it.
    var isTaken: Bool { progress.isTaken }

    /// A buffer was written and not taken at once. What is left of a buffer holds all of it.
    ///
    /// - Parameters:
    ///   - waiting: how many bytes of earlier buffers the peer had not taken by then.
    ///   - taken: how many bytes it has taken by now.
    mutating func add(_ size: Int, behind waiting: Int, taken: UInt64) {
        bytes = (waiting == 0 ? 0 : min(bytes, max(waiting, bytesBefore))) + size
        bytesBefore = size
        // What the kernel takes at once says nothing of the peer.
        if waiting == 0 { takenWhenNoted = taken }
        hasMoved = true
    }

    /// The peer has taken everything.
    mutating func clear() { bytes = 0 }

    /// Notes how many bytes were taken by now.
    mutating func note(taken: UInt64) {
        guard taken != takenWhenNoted else { return }
        progress.note(taken - takenWhenNoted)
        takenWhenNoted = taken
        hasMoved = true
    }

    /// Whether something has moved since this was last asked.
    mutating func hasMovedAgain() -> Bool {
        defer { hasMoved = false }
        return hasMoved
    }

    /// Whether there is nothing left, or the peer has taken much since this was last asked.
    mutating func isBeingRead() -> Bool { bytes == 0 || progress.isTakenAgain() }
}
