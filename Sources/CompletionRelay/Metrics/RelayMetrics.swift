package import StreamCore

/// What a relay has done since it started.
@available(freshet 0.1, *)
package struct RelayMetrics: Sendable {
    /// Calls whose answer is being written.
    package var running = 0
    /// Answers that were begun.
    package var started = 0
    /// Answers that have ended, by reason.
    package var ended: [EndReason: Int] = [:]
    /// Calls that the upstream refused before its first byte.
    package var refused = 0
    /// Requests that found their answer begun, by their key.
    package var attached = 0
    /// Requests that were passed on as they are.
    package var passed = 0
    package var tokens = 0
    package var bytes = 0
    package var unreadTokens = 0
    package var timeToFirstToken = LatencyHistogram()
    package var atLog = LatencyHistogram()
    package var atSocket = LatencyHistogram()

    package init() {}

    mutating func add(_ answer: AnswerMetrics, _ reason: EndReason) {
        ended[reason, default: 0] += 1
        tokens += answer.countedTokens ?? answer.tokens
        bytes += answer.bytes
        unreadTokens += answer.unreadTokens
        if let first = answer.timeToFirstToken { timeToFirstToken.add(first) }
        atLog.add(answer.atLog)
        atSocket.add(answer.atSocket)
    }
}
