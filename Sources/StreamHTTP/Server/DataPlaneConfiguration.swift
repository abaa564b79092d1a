package import NIOCore
package import StreamCore

/// What the data plane obeys. The defaults are those of `freshet serve`.
package struct DataPlaneConfiguration: Sendable {
    /// The reconnection time that readers are told, in milliseconds.
    package var retryMilliseconds = 2000
    /// The longest a subscription stays without a byte.
    package var heartbeat: TimeAmount = .seconds(10)
    /// Heartbeats are `event: heartbeat` instead of comments, for watchdogs that cannot see comments.
    package var heartbeatEvent = false
    /// How long a reader may wait for a stream that does not exist before it is asked to come back.
    package var holdTime: TimeAmount = .seconds(60)
    /// How long a long-poll waits for something to tell.
    package var longPollTime: TimeAmount = .seconds(20)
    /// How long a durable `live=sse` read goes on before it is ended, so that it comes back and caches can join it with
    /// others (Durable Streams protocol, section 10.2).
    package var durableLiveTime: TimeAmount = .seconds(60)
    /// How long a connection may take nothing before it is closed.
    package var writeStall: TimeAmount = .seconds(30)
    package var heldNames = 1000
    package var heldReaders = 10_000
    /// The most bytes of a request's head, and the time it may take to arrive.
    package var headerBytes = 16_384
    package var headerTime: TimeAmount = .seconds(10)
    /// How long a connection may be idle between requests.
    package var idleTime: TimeAmount = .seconds(75)
    /// How long an atomic body may pause.
    package var bodyIdleTime: TimeAmount = .seconds(30)
    package var pieces = PieceLimits()
    package var connections = 10_000
    /// 0 means no bound.
    package var connectionsPerAddress = 1000
    /// After the last byte of an answer that closes, how long and for how many bytes the peer is listened to.
    package var lingerTime: TimeAmount = .seconds(2)
    /// As much as a client may have on its way that does not look for an answer before all of its body is sent, such as
    /// undici with 10 MB: after a reset it would never see why it was refused.
    package var lingerBytes = 16 << 20

    package init() {}

    /// How often each loop looks at its connections: often enough for the shortest of the times above.
    var tick: TimeAmount {
        let shortest = min(
            min(heartbeat, holdTime, longPollTime, durableLiveTime),
            min(writeStall, headerTime, idleTime, bodyIdleTime, lingerTime)
        )
        return max(.milliseconds(20), min(.milliseconds(500), .nanoseconds(shortest.nanoseconds / 4)))
    }
}
