/// Since when an answer has no reader, and whether that is too long. Without a clock of its own.
@available(freshet 0.1, *)
package struct ReaderWatch: Sendable {
    /// How long whoever asked may take to attach.
    package static let arrival: Duration = .seconds(2)

    private let patience: Duration
    private var unreadSince: Duration
    private var hasBeenRead = false

    package init(patience: Duration, now: Duration) {
        self.patience = patience
        self.unreadSince = now
    }

    /// Whether the answer is to be stopped.
    ///
    /// - Parameter isAwaited: somebody waits for its first byte, and cannot read yet.
    package mutating func observe(readers: Int, isAwaited: Bool, at now: Duration) -> Bool {
        if isAwaited { unreadSince = now }
        if readers > 0 {
            hasBeenRead = true
            unreadSince = now
            return false
        }
        return now - unreadSince >= (hasBeenRead ? patience : max(patience, Self.arrival))
    }
}
