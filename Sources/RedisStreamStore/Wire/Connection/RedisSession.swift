/// One unbroken connection to one master, ready for commands.
@available(freshet 0.1, *)
package struct RedisSession: Hashable, Sendable {
    /// 1 for the first connection of a link, and one more for each that follows.
    package let generation: UInt64
    /// Of the master.
    package let endpoint: RedisEndpoint
    /// Of the server's process: another one means that it was started anew, or is another.
    package let runID: String
    /// Of Redis, as `7.0.15`; Valkey says with which Redis it is compatible.
    package let version: String
    /// On the monotonic clock, when it came up.
    package let since: Duration
}

@available(freshet 0.1, *)
package enum RedisLinkState: Hashable, Sendable {
    /// Why; nil while the first attempt is under way.
    case down(RedisTrouble?)
    case up(RedisSession)
    /// It was closed from here, for ever.
    case closed
}
