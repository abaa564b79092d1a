package import StreamCore

/// What may be chosen of a store on Redis or Valkey.
@available(freshet 0.1, *)
package struct RedisStoreConfiguration: Sendable {
    package var server: RedisConfiguration
    /// What the names of all keys and channels begin with. Stores of different prefixes know nothing of each other.
    package var prefix = "freshet:"
    /// The bounds of the whole store. Each node knows what all hold within a second: together they may go over by what
    /// they take in one.
    package var limits = StoreLimits(streams: 1_000_000, bytes: 64 << 30)
    /// Who is told of ends, and how much is kept for that. The same at every node.
    package var outbox = OutboxRules.none
    /// How the events of an append are cut into entries of a Redis stream.
    package var runs = RunCutter()
    /// How many replicas have an event before it is acknowledged, and before anybody sees it.
    package var replicas = 0
    /// How long the replicas may take for that.
    package var replicaTimeout: Duration = .seconds(1)
    /// How long a call waits for the connection to come back before it is refused as unavailable.
    package var patience: Duration = .seconds(1)
    /// How long a stream stays subscribed to that nobody on this node follows any more.
    package var linger: Duration = .seconds(10)
    /// How long a node's session may be silent before the others bury it.
    package var silence: Duration = .seconds(5)
    /// How long after it came back Redis may not yet know of all that follow streams.
    package var settling: Duration = .seconds(5)
    /// What the node calls itself; nil where nobody gave it a name.
    package var nodeName: String?
    /// Into how many parts a time to live is divided: what is read is noted as a use once in each. 0 notes every read.
    package var useGrain = 8
    /// How often the node says that it lives, and looks at what the others say. Nil: whoever made the store does it.
    package var pulse: Duration? = .seconds(1)
    /// How often this node looks for streams for which something is due, whoever asks how often.
    package var sweepInterval: Duration = .seconds(1)
    /// This node's clocks.
    package var time: any TimeSource = SystemTime()
    /// What Redis takes for the time, in milliseconds since 1970; nil is its own clock. For tests.
    package var serverClock: (@Sendable () -> UInt64)?

    package init(_ server: RedisConfiguration) {
        self.server = server
    }

    /// Why the store cannot be made with this; nil when it can.
    package var flaw: String? {
        if prefix.isEmpty || prefix.utf8.count > 64 || prefix.utf8.contains(where: { $0 <= 0x20 || $0 == 0x7F }) {
            return "The prefix of the keys has 1 to 64 bytes without spaces and control characters."
        }
        // Redis Cluster looks for the first braces of a key.
        if prefix.contains("{") || prefix.contains("}") { return "The prefix of the keys has no braces." }
        if replicas < 0 { return "The number of replicas is 0 or more." }
        return nil
    }
}
