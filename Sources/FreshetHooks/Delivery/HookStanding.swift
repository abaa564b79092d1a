/// How one hook stands, for those who look.
@available(freshet 0.1, *)
package struct HookStanding: Sendable, Equatable {
    package var name: String
    package var prefixes: [String]
    /// It answered 410.
    package var isDisabled = false
    /// Entries that wait, those that are being told among them.
    package var waiting = 0
    /// Since when the one that waits longest does, in milliseconds since 1970; nil where none waits.
    package var oldest: UInt64?
    package var counts = HookCounts()
    /// Why the last call failed; nil once one succeeds.
    package var trouble: String?
}

/// Calls, by what became of them.
@available(freshet 0.1, *)
package struct HookCounts: Sendable, Equatable {
    package var delivered = 0
    package var failed = 0
    /// Answered by 410.
    package var gone = 0

    static func + (left: Self, right: Self) -> Self {
        HookCounts(
            delivered: left.delivered + right.delivered,
            failed: left.failed + right.failed,
            gone: left.gone + right.gone
        )
    }
}
