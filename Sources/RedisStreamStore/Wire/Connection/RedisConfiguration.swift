package import StreamCore

/// Where a Redis is, or who says it, and what its connections keep to.
///
/// Every step has its own bound in time. The defaults are those of `research/engines.md`: short enough that a dead Redis
/// is noticed before anyone is taken for dead because of it.
@available(freshet 0.1, *)
package struct RedisConfiguration: Sendable {
    package var url: RedisURL
    /// What `CLIENT LIST` shows. Redis takes no spaces in it.
    package var clientName = "freshet"
    /// For the host's name and TCP together; of a sentinel too.
    package var connectTimeout: Duration = .seconds(1)
    /// For TLS, and once more for Redis's own greeting; for both together, and for each answer, of a sentinel.
    package var handshakeTimeout: Duration = .seconds(1)
    /// For what is done on a new connection before it counts.
    package var setupTimeout: Duration = .seconds(5)
    /// How long the oldest command waits for its reply, before the connection is given up. More than any command may take.
    package var replyTimeout: Duration = .seconds(5)
    /// How long nothing at all may come while a reply is due.
    package var silenceTimeout: Duration = .seconds(3)
    /// How long nothing may be due before a PING is sent.
    package var pingInterval: Duration = .milliseconds(1500)
    /// The longest wait before it is tried again.
    package var longestBackOff: Duration = .seconds(2)
    /// How often the sentinels are asked whether the master is still the same.
    package var sentinelInterval: Duration = .seconds(1)
    /// How often a subscriber publishes to itself, and how long that may be on the way.
    package var probeInterval: Duration = .seconds(10)
    package var probeTimeout: Duration = .seconds(5)
    /// Bytes of commands without a reply, above which more are refused.
    package var inFlightBytes = 64 << 20
    package var limits = RESPLimits()
    package var time: any TimeSource = SystemTime()

    package init(_ url: RedisURL) {
        self.url = url
    }
}
