package import NIOCore
package import StreamCore

/// What the data plane obeys. What can be set has its default where the settings are declared.
@available(freshet 0.1, *)
package struct DataPlaneConfiguration: Sendable {
    /// The reconnection time that readers are told, in milliseconds.
    package var retryMilliseconds: Int
    /// The longest a subscription stays without a byte.
    package var heartbeat: TimeAmount
    /// Heartbeats are `event: heartbeat` instead of comments, for watchdogs that cannot see comments.
    package var heartbeatEvent: Bool
    /// How long a reader may wait for a stream that does not exist before it is asked to come back.
    package var holdTime: TimeAmount
    /// How long a long-poll waits for something to tell.
    package var longPollTime: TimeAmount
    /// How long a `live=sse` read goes on before it is ended, so that it comes back and caches can join it with
    /// others (Durable Streams protocol, section 10.2).
    package var durableStreamsTime: TimeAmount
    /// How long a connection may take nothing before it is closed.
    package var writeStall: TimeAmount
    package var heldNames: Int
    package var heldReaders: Int
    /// The most bytes of a request's head, and the time it may take to arrive.
    package var headerBytes: Int
    package var headerTime: TimeAmount
    /// How long a connection may be idle between requests.
    package var idleTime: TimeAmount
    /// How long an atomic body may pause.
    package var bodyIdleTime: TimeAmount
    /// The least bytes a second of a body that is gathered before it is used, once it has taken as long as it may pause.
    /// 0 means no bound.
    package var bodyRate: Int
    /// The memory of what is in flight, for all that obey this configuration.
    package var inflight: InflightBudget
    package var pieces: PieceLimits
    package var connections: Int
    /// 0 means no bound.
    package var connectionsPerAddress: Int
    package var http2: HTTP2Limits
    /// File descriptors that are left to others than connections, such as calls to upstreams.
    package var descriptorsElsewhere = 0
    /// How long a connection that is one too many may take to say what it wants.
    package var refusedTime: TimeAmount = .seconds(2)
    /// After the last byte of a response that closes, how long and for how many bytes the peer is listened to.
    package var lingerTime: TimeAmount = .seconds(2)
    /// As much as a client may have on its way that does not look for a response before all of its body is sent, such
    /// as undici with 10 MB: after a reset it would never see why it was refused.
    package var lingerBytes = 16 << 20

    package init(
        retryMilliseconds: Int,
        heartbeat: TimeAmount,
        heartbeatEvent: Bool,
        holdTime: TimeAmount,
        longPollTime: TimeAmount,
        durableStreamsTime: TimeAmount,
        writeStall: TimeAmount,
        heldNames: Int,
        heldReaders: Int,
        headerBytes: Int,
        headerTime: TimeAmount,
        idleTime: TimeAmount,
        bodyIdleTime: TimeAmount,
        bodyRate: Int,
        inflightBytes: Int,
        pieces: PieceLimits,
        connections: Int,
        connectionsPerAddress: Int,
        http2: HTTP2Limits
    ) {
        self.retryMilliseconds = retryMilliseconds
        self.heartbeat = heartbeat
        self.heartbeatEvent = heartbeatEvent
        self.holdTime = holdTime
        self.longPollTime = longPollTime
        self.durableStreamsTime = durableStreamsTime
        self.writeStall = writeStall
        self.heldNames = heldNames
        self.heldReaders = heldReaders
        self.headerBytes = headerBytes
        self.headerTime = headerTime
        self.idleTime = idleTime
        self.bodyIdleTime = bodyIdleTime
        self.bodyRate = bodyRate
        self.inflight = InflightBudget(limit: inflightBytes)
        self.pieces = pieces
        self.connections = connections
        self.connectionsPerAddress = connectionsPerAddress
        self.http2 = http2
    }

    /// How often each loop looks at its connections: often enough for the shortest of the times above.
    var tick: TimeAmount {
        let shortest = min(
            min(heartbeat, holdTime, longPollTime, durableStreamsTime),
            min(writeStall, headerTime, idleTime, bodyIdleTime, lingerTime)
        )
        return max(.milliseconds(20), min(.milliseconds(500), .nanoseconds(shortest.nanoseconds / 4)))
    }
}
