/// What a connection alone holds of what it has written and the peer has not taken.
@available(freshet 0.1, *)
struct UnsentOutput {
    /// Who has taken so much since there was last nothing to take, or since it was last to give way, is a reader that takes.
    private static let progressBytes: UInt64 = 16 * 1024

    private(set) var bytes = 0
    /// What the write before holds of it.
    private var bytesBefore = 0
    /// What had been taken when that was last noted.
    private var takenWhenNoted: UInt64 = 0
    /// What had been taken when it was last to give way, or began to wait for its peer.
    private var takenWhenAsked: UInt64 = 0

    /// A buffer was written and not taken at once. What is left of a buffer holds all of it.
    ///
    /// - Parameters:
    ///   - waiting: how many bytes of earlier buffers the peer had not taken by then.
    ///   - taken: how many bytes it has taken by now.
    mutating func add(_ size: Int, behind waiting: Int, taken: UInt64) {
        bytes = (waiting == 0 ? 0 : min(bytes, max(waiting, bytesBefore))) + size
        bytesBefore = size
        // What the kernel takes at once says nothing of the peer.
        if waiting == 0 { takenWhenAsked = taken }
    }

    /// The peer has taken everything.
    mutating func clear() { bytes = 0 }

    /// Notes how much was taken by now; whether it is more than before.
    mutating func hasMoved(taken: UInt64) -> Bool {
        defer { takenWhenNoted = taken }
        return taken != takenWhenNoted
    }

    /// Whether there is nothing left, or the peer has taken much since this was last asked; then that is noted.
    mutating func isBeingRead(taken: UInt64) -> Bool {
        guard bytes == 0 || taken - takenWhenAsked >= Self.progressBytes else { return false }
        takenWhenNoted = taken
        takenWhenAsked = taken
        return true
    }
}
