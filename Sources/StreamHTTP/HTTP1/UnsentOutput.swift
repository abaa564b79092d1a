/// What a connection alone holds of what it has written and the peer has not taken.
struct UnsentOutput {
    /// Who has taken so much since it was last noted is a reader that takes.
    private static let progressBytes: UInt64 = 16 * 1024

    private(set) var bytes = 0
    /// What the write before holds of it.
    private var bytesBefore = 0
    /// What had been taken when that was last noted.
    private var takenWhenNoted: UInt64 = 0

    /// A buffer was written and not taken at once. What is left of a buffer holds all of it.
    ///
    /// - Parameter waiting: how many bytes of earlier buffers the peer had not taken by then.
    mutating func add(_ size: Int, behind waiting: Int) {
        bytes = (waiting == 0 ? 0 : min(bytes, max(waiting, bytesBefore))) + size
        bytesBefore = size
    }

    /// The peer has taken everything.
    mutating func clear() { bytes = 0 }

    /// Notes how much was taken by now; whether it is more than before.
    mutating func hasMoved(taken: UInt64) -> Bool {
        defer { takenWhenNoted = taken }
        return taken != takenWhenNoted
    }

    /// Whether there is nothing left, or the peer has taken much since it was last noted; then that is noted.
    mutating func isBeingRead(taken: UInt64) -> Bool {
        guard bytes == 0 || taken - takenWhenNoted >= Self.progressBytes else { return false }
        takenWhenNoted = taken
        return true
    }
}
