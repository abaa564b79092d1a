import Locks
import StreamCore

/// Noticing that what is written is not what anybody will read.
@available(freshet 0.1, *)
extension Writer {
    var untilNextLook: Duration {
        failure == nil ? max(lookAt - SystemTime().monotonic(), .zero) : .seconds(3600)
    }

    /// Looks whether the directory still is what was opened, once a second.
    func lookWhenDue() {
        guard failure == nil, untilNextLook == .zero else { return }
        _ = findLoss()
    }

    /// Why nothing may be acknowledged: what was opened is not what the directory has.
    func findLoss() -> String? {
        lookAt = SystemTime().monotonic() + .seconds(1)
        guard let loss = directory.loss(since: standing) else { return nil }
        let text = "\(loss) Nothing more is kept. Stop this server, put back what was there, and start it again."
        database.leaveFilesOnClose()
        // Where the database still has its name, this saves what only the log has.
        _ = try? database.checkpoint()
        fail(text)
        visible.lose(.unavailable(text))
        return text
    }

    /// Nothing can be kept any more.
    func fail(_ text: String) {
        failure = .unavailable(text)
        shared.failure.withLock { $0 = text }
    }
}
