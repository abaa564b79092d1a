package import StreamCore

/// What was measured of one answer.
@available(freshet 0.1, *)
package struct AnswerMetrics: Sendable, Equatable {
    /// Events that carry a part of the answer. Providers send one a token, or a few tokens together.
    package private(set) var tokens = 0
    /// The provider's own count, where it gave one.
    package var countedTokens: Int?
    package private(set) var events = 0
    /// Bytes of data.
    package private(set) var bytes = 0
    /// From the call to the first such event in the log.
    package private(set) var timeToFirstToken: Duration?
    /// Between two tokens, when they were readable in the log.
    package private(set) var atLog = LatencyHistogram()
    /// Between two writes to the socket of whoever asked.
    package private(set) var atSocket = LatencyHistogram()
    /// Tokens that came after the last reader had left.
    package private(set) var unreadTokens = 0

    /// When the call began.
    let began: Duration
    private var lastAtLog: Duration?
    private var lastAtSocket: Duration?

    /// - Parameter now: on the monotonic clock, as every time here.
    package init(began now: Duration) {
        began = now
    }

    /// So many events, with so many tokens among them, can be read.
    package mutating func logged(events: Int, tokens: Int, bytes: Int, isRead: Bool, at now: Duration) {
        self.events += events
        self.bytes += bytes
        guard tokens > 0 else { return }
        self.tokens += tokens
        if !isRead { unreadTokens += tokens }
        if timeToFirstToken == nil { timeToFirstToken = now - began }
        // Those that became readable together have no time between them.
        for _ in 1..<max(1, tokens) { atLog.add(.zero) }
        if let lastAtLog { atLog.add(now - lastAtLog) }
        lastAtLog = now
    }

    /// So many events were given to the socket of whoever asked.
    package mutating func delivered(events: Int, at now: Duration) {
        for _ in 1..<max(1, events) { atSocket.add(.zero) }
        if let lastAtSocket { atSocket.add(now - lastAtSocket) }
        lastAtSocket = now
    }

    /// As a header field says it.
    package var text: String {
        var parts = ["tokens=\(countedTokens ?? tokens)", "events=\(events)", "bytes=\(bytes)"]
        func add(_ name: String, _ duration: Duration?) {
            guard let duration else { return }
            parts.append("\(name)=\(Self.milliseconds(duration))")
        }
        add("ttft", timeToFirstToken)
        add("log-p50", atLog.quantile(0.5))
        add("log-p99", atLog.quantile(0.99))
        add("socket-p50", atSocket.quantile(0.5))
        add("socket-p99", atSocket.quantile(0.99))
        parts.append("unread=\(unreadTokens)")
        return parts.joined(separator: ", ")
    }

    /// Milliseconds with three digits behind the point.
    private static func milliseconds(_ duration: Duration) -> String {
        let microseconds = Int((duration / .microseconds(1)).rounded())
        let rest = String(microseconds % 1000)
        return "\(microseconds / 1000)." + String(repeating: "0", count: 3 - rest.count) + rest
    }
}
