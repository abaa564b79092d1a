import NIOCore
import StreamCore
import StreamHTTP

extension StreamsConfiguration {
    init(_ configuration: ServerConfiguration) {
        self.init(
            tornLeaseSeconds: Int(configuration.tornLease?.components.seconds ?? 0),
            endedAge: configuration.endedAge
        )
    }
}

extension StoreLimits {
    package init(_ configuration: ServerConfiguration) {
        self.init(streams: configuration.streams, bytes: configuration.keptBytes)
    }
}

extension DataPlaneConfiguration {
    init(_ configuration: ServerConfiguration) {
        self.init()
        retryMilliseconds = Int(configuration.retry / .milliseconds(1))
        heartbeat = TimeAmount(configuration.heartbeat)
        heartbeatEvent = configuration.heartbeatEvent
        holdTime = TimeAmount(configuration.hold)
        writeStall = TimeAmount(configuration.writeStall)
        heldNames = configuration.heldNames
        heldReaders = configuration.heldReaders
        headerBytes = configuration.headerBytes
        headerTime = TimeAmount(configuration.headerTime)
        idleTime = TimeAmount(configuration.idle)
        bodyIdleTime = TimeAmount(configuration.bodyIdle)
        pieces = PieceLimits(lineBytes: configuration.lineBytes, eventBytes: configuration.eventBytes)
        connections = configuration.connections
        connectionsPerAddress = configuration.connectionsPerAddress ?? 0
    }
}
