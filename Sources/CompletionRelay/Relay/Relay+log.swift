import Logging
import StreamCore
import StreamHTTP

/// What the log is told. A word of an upstream is in none of it: it may repeat the key that it was sent.
@available(freshet 0.1, *)
extension Relay {
    /// One line for each answer, when it has ended, or has failed before the upstream's first byte.
    func logAnswer(_ asked: StreamingCall, _ call: AnswerCall, _ end: StreamEnd?) {
        let metrics = call.metrics
        let took = time.monotonic() - metrics.began
        let trouble = end?.reason == .failed ? call.trouble : nil
        let kind: ServerLog.Kind = trouble == nil ? .relayedAnswer : .failedCall
        let level: Logger.Level = end?.reason == .failed ? .warning : .info
        let message: Logger.Message = trouble == nil ? "An answer was relayed." : Self.noAnswer
        log.write(kind, level, message) {
            var metadata: Logger.Metadata = [
                "upstream": "\(asked.upstream.name)",
                "stream": "\(call.name)",
                "end": "\(end?.reason.rawValue ?? "removed")",
                "tokens": .stringConvertible(metrics.countedTokens ?? metrics.tokens),
                "seconds": LoggedText.seconds(took),
            ]
            metadata["model"] = asked.model.map { "\(LoggedText.short($0, 100))" }
            metadata["first-token-seconds"] = metrics.timeToFirstToken.map(LoggedText.seconds)
            metadata["why"] = end?.detail.flatMap(RelayFailure.known).map { "\($0)" }
            if let trouble { metadata["why"] = "\(LoggedText.short(trouble, 300))" }
            return metadata
        }
    }

    /// One line for each request that is passed on as it is.
    func logPassed(_ request: RelayRequest, _ upstream: Upstream, status: Int, _ took: Duration) {
        log.write(.passedCall, .info, "A call was passed on.") {
            [
                "upstream": "\(upstream.name)",
                "method": "\(LoggedText.short(request.method, 20))",
                "path": "\(LoggedText.short(request.path, 200))",
                "status": .stringConvertible(status),
                "seconds": LoggedText.seconds(took),
            ]
        }
    }

    /// One line for each of those that the upstream does not answer.
    func logFailure(of upstream: Upstream, _ reason: String) {
        log.write(.failedCall, .warning, Self.noAnswer) {
            ["upstream": "\(upstream.name)", "why": "\(LoggedText.short(reason, 300))"]
        }
    }

    private static var noAnswer: Logger.Message { "An upstream did not answer." }
}
