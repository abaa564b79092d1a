import NIOCore
import StreamCore

@testable import StreamHTTP

extension DataPlaneConfiguration {
    static let forTests = DataPlaneConfiguration(
        retryMilliseconds: 2000,
        heartbeat: .seconds(10),
        heartbeatEvent: false,
        holdTime: .seconds(60),
        longPollTime: .seconds(20),
        durableStreamsTime: .seconds(60),
        writeStall: .seconds(30),
        heldNames: 10,
        heldReaders: 10,
        headerBytes: 16_384,
        headerTime: .seconds(10),
        idleTime: .seconds(75),
        bodyIdleTime: .seconds(30),
        bodyRate: 0,
        inflightBytes: 256 << 20,
        pieces: PieceLimits(),
        connections: 100,
        connectionsPerAddress: 0,
        http2: HTTP2Limits(streams: 250, streamsPerAddress: 0, resets: 500, controlFrames: 200, emptyFrames: 5)
    )
}
