import NIOCore
package import StreamCore
package import StreamHTTP

@available(freshet 0.1, *)
extension StreamsConfiguration {
    package init(_ configuration: ServerConfiguration) {
        self.init(
            tornLeaseSeconds: Int(configuration.tornLease?.components.seconds ?? 0),
            endedAge: configuration.endedAge,
            bytesPerOwner: configuration.quotaBytes
        )
    }
}

@available(freshet 0.1, *)
extension StoreLimits {
    /// What may be kept: much more in a directory than in memory, unless something was said. In Redis it is bounded by the
    /// memory that Redis may use.
    package init(_ configuration: ServerConfiguration, in place: StoreSetting) {
        switch place {
        case .memory: self.init(configuration, usualBytes: 256 << 20)
        case .directory: self.init(configuration, usualBytes: 64 << 30)
        case .redis: self.init(inRedis: configuration)
        }
    }

    package init(inRedis configuration: ServerConfiguration) { self.init(configuration, usualBytes: 1 << 50) }

    private init(_ configuration: ServerConfiguration, usualBytes: Int) {
        self.init(streams: configuration.streams, bytes: configuration.keptBytes ?? usualBytes)
    }
}

@available(freshet 0.1, *)
extension DataPlaneConfiguration {
    package init(_ configuration: ServerConfiguration) {
        self.init(
            retryMilliseconds: Int(configuration.retry / .milliseconds(1)),
            heartbeat: TimeAmount(configuration.heartbeat),
            heartbeatEvent: configuration.heartbeatEvent,
            holdTime: TimeAmount(configuration.hold),
            longPollTime: TimeAmount(configuration.longPoll),
            durableStreamsTime: TimeAmount(configuration.durableStreamsSSE),
            writeStall: TimeAmount(configuration.writeStall),
            heldNames: configuration.heldNames,
            heldReaders: configuration.heldReaders,
            headerBytes: configuration.headerBytes,
            headerTime: TimeAmount(configuration.headerTime),
            idleTime: TimeAmount(configuration.idle),
            bodyIdleTime: TimeAmount(configuration.bodyIdle),
            bodyRate: configuration.bodyRate,
            inflightBytes: max(configuration.inflightBytes, 2 * configuration.largestBody),
            pieces: PieceLimits(
                lineBytes: configuration.lineBytes,
                eventBytes: configuration.eventBytes,
                bodyEvents: configuration.bodyEvents
            ),
            connections: configuration.connections,
            connectionsPerAddress: configuration.connectionsPerAddress ?? 0,
            http2: HTTP2Limits(
                streams: configuration.http2Streams,
                streamsPerAddress: configuration.streamsPerAddress ?? 0,
                resets: configuration.http2Resets,
                controlFrames: configuration.http2ControlFrames,
                emptyFrames: configuration.http2EmptyFrames
            )
        )
        descriptorsElsewhere = configuration.callsElsewhere
    }
}

@available(freshet 0.1, *)
extension ServerConfiguration {
    /// The largest body that any request may have.
    fileprivate var largestBody: Int { max(self.bodyBytes, self.upstreams.isEmpty ? 0 : self.relayBodyBytes) }

    /// Connections to upstreams, and to those who are told of ends, that there may be at one time.
    fileprivate var callsElsewhere: Int { relayCalls + toldHooks.count * Self.callsPerHook }

    /// Calls of one hook at one time.
    package static let callsPerHook = 8

    private var relayCalls: Int { self.upstreams.contains { $0.kind != .builtin } ? self.relayAnswers : 0 }

    /// Lowers the answers of the relay at one time to what a limit of open files leaves for their connections: a
    /// quarter of it. Returns what to say of it when they were more.
    package mutating func fitRelay(openFiles limit: Int) -> String? {
        guard relayCalls > limit / 4 else { return nil }
        let answers = self.relayAnswers
        self.relayAnswers = limit / 4
        return """
            The limit of open files, \(limit), leaves room for \(self.relayAnswers) answers of the relay at one time: fewer \
            than set, \(answers).
            """
    }
}
