/// Why a command has no reply, or an error as its reply.
@available(freshet 0.1, *)
package enum RedisFailure: Error, Hashable, Sendable, CustomStringConvertible {
    /// Nothing of it reached Redis: there is no connection, or too much is in flight.
    case notSent(String)
    /// It was sent, and no reply came: Redis may or may not have done it.
    case lost(String)
    /// Redis answered with an error.
    case refused(RESPError)

    package var description: String {
        switch self {
        case .notSent(let why): "not sent: \(why)"
        case .lost(let why): "no reply: \(why)"
        case .refused(let error): "refused: \(RedisTrouble.said(error))"
        }
    }
}
