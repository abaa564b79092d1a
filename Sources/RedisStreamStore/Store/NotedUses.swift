import StreamCore

/// Which streams this node told Redis to be used, and when.
@available(freshet 0.1, *)
struct NotedUses {
    private static let most = 10_000

    private var noted: [StreamName: Duration] = [:]

    /// Whether a use is to be told: the last one that was is longer ago than this.
    mutating func isNews(of name: StreamName, at now: Duration, within part: Duration) -> Bool {
        if let last = noted[name], now - last < part { return false }
        // To tell of one once more costs little; to remember all of them for ever does not.
        if noted.count >= Self.most { noted = [:] }
        noted[name] = now
        return true
    }
}
