/// Whether a reader takes what waits for it.
@available(freshet 0.1, *)
struct OutputProgress {
    /// Who has taken so much takes. A kernel has room for more, but what it takes at once is not noted here.
    private static let much: UInt64 = 16 * 1024

    /// What was taken of what waited.
    private var taken: UInt64 = 0
    private var takenWhenAsked: UInt64 = 0

    mutating func note(_ bytes: UInt64) { taken += bytes }

    /// Whether much has been taken at all. Whether that is long ago is told by when something moved.
    var isTaken: Bool { taken >= Self.much }

    /// Whether much has been taken since this was last asked; then that is noted.
    mutating func isTakenAgain() -> Bool {
        guard taken - takenWhenAsked >= Self.much else { return false }
        takenWhenAsked = taken
        return true
    }
}
