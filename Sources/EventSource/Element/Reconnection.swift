@available(freshet 0.1, *)
extension EventSource {
    /// A reconnection that was decided on.
    public struct Reconnection: Sendable, Equatable {
        /// Why there is no connection.
        public enum Reason: Sendable, Equatable {
            /// The response ended in good order.
            case endOfBody
            /// No connection, or no head of a response, with what was reported.
            case connectionFailed(String)
            /// ``EventSource/Configuration-swift.struct/headersForAttempt`` threw this.
            case headersFailed(String)
            /// The connection broke in the middle of the response, with what was reported.
            case connectionLost(String)
            /// Nothing arrived for the idle timeout.
            case idle
            /// A passing refusal.
            case status(Int)
            /// ``EventSource/restart()`` was called.
            case restarted
            /// Freshet's `event: reconnect`, with its `why`: `draining`, `overloaded` or `store`; `expired` or `revoked`
            /// where the right to read has ended: with the same header fields the server then answers 401, which is an
            /// error and no reconnection.
            case requested(why: String)
        }

        /// Why there is no connection.
        public var reason: Reason
        /// How long the wait is.
        public var delay: Duration
        /// 1 for the first attempt since a connection that did its work, then 2, 3 and so on.
        public var attempt: Int

        package init(reason: Reason, delay: Duration, attempt: Int) {
            self.reason = reason
            self.delay = delay
            self.attempt = attempt
        }
    }
}

@available(freshet 0.1, *)
extension EventSource.Reconnection.Reason: CustomStringConvertible {
    /// The reason in words, for a person.
    public var description: String {
        switch self {
        case .endOfBody: "the response ended"
        case .connectionFailed(let what): "no connection (\(what))"
        case .headersFailed(let what): "no header fields (\(what))"
        case .connectionLost(let what): "the connection broke (\(what))"
        case .idle: "the connection was silent for too long"
        case .status(let status): "the server answered \(status)"
        case .restarted: "a restart was asked for"
        case .requested(let why): "the server asked for it (\(why))"
        }
    }
}
