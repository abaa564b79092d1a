import NIOCore
import NIOEmbedded
import NIOPosix
import StoreSuite
import StreamCore
import Testing

@testable import StreamHTTP

@Suite("What HTTP/2 writes, gathered below its frames", .timeLimit(.minutes(10)))
struct HTTP2OutputHandlerTests {
    private struct Nothing: Responder {
        func plan(for head: RequestHead, _ facts: ConnectionFacts) -> RequestPlan { .respond(Response(404)) }
        func respond(to failure: RequestFailure, head: RequestHead?) -> Response { Response(400) }
        func commonFields(for head: RequestHead?) -> [HeaderField] { [] }
    }

    private static func loop(_ eventLoop: any EventLoop) -> HTTPLoop {
        HTTPLoop(eventLoop, responder: Nothing(), configuration: .forTests, time: ManualTime(), log: .none)
    }

    /// A channel that has no socket: everything goes through its queue.
    private func channel() throws -> EmbeddedChannel {
        let channel = EmbeddedChannel()
        try channel.pipeline.syncOperations.addHandler(HTTP2OutputHandler(loop: Self.loop(channel.eventLoop)))
        try channel.connect(to: SocketAddress(ipAddress: "127.0.0.1", port: 1)).wait()
        return channel
    }

    private func writes(_ channel: EmbeddedChannel) throws -> [String] {
        var writes: [String] = []
        while let buffer = try channel.readOutbound(as: ByteBuffer.self) { writes.append(String(buffer: buffer)) }
        return writes
    }

    @Test("is one write for each flush")
    func oneWrite() throws {
        let channel = try channel()
        for round in ["a", "b"] {
            for part in ["head ", "payload ", "head ", round] { channel.write(ByteBuffer(string: part), promise: nil) }
            let before = try writes(channel)
            #expect(before == [])
            channel.flush()
            let after = try writes(channel)
            #expect(after == ["head payload head \(round)"])
        }
    }

    @Test("a large part is not copied, and stays in its place")
    func large() throws {
        let channel = try channel()
        let large = String(repeating: "x", count: HTTP2OutputHandler.copiedBytes + 1)
        for part in ["before", large, "after"] { channel.write(ByteBuffer(string: part), promise: nil) }
        channel.flush()
        let all = try writes(channel)
        #expect(all == ["before", large, "after"])
    }

    @Test("does not grow without a flush: the channel is asked whether it takes more")
    func bounded() throws {
        let channel = try channel()
        let part = ByteBuffer(repeating: UInt8(ascii: "x"), count: 1000)
        for _ in 0..<100 { channel.write(part, promise: nil) }
        channel.flush()
        let all = try writes(channel)
        #expect(all.joined().utf8.count == 100_000)
        #expect(all.allSatisfy { $0.utf8.count <= HTTP2OutputHandler.gatheredBytes })
    }

    @Test("what waits in the channel holds no more memory than it is long, whatever its buffer was used for before")
    func fitted() throws {
        let channel = EmbeddedChannel()
        let loop = Self.loop(channel.eventLoop)
        try channel.pipeline.syncOperations.addHandler(HTTP2OutputHandler(loop: loop))
        try channel.connect(to: SocketAddress(ipAddress: "127.0.0.1", port: 1)).wait()
        let large = ByteBuffer(repeating: 0, count: HTTP2OutputHandler.copiedBytes + 1)
        for next in [nil, large] {
            loop.spareBuffer = ByteBufferAllocator().buffer(capacity: HTTP2OutputHandler.gatheredBytes)
            channel.write(ByteBuffer(string: "small"), promise: nil)
            if let next { channel.write(next, promise: nil) }
            channel.flush()
            let small = try #require(try channel.readOutbound(as: ByteBuffer.self))
            #expect(String(buffer: small) == "small" && small.storageCapacity <= 512)
            let rest = try channel.readOutbound(as: ByteBuffer.self)
            #expect(rest == next)
        }
    }

    @Test("what was not flushed goes before the end of a connection, for a handler below that flushes by itself")
    func close() throws {
        final class Below: ChannelOutboundHandler {
            typealias OutboundIn = ByteBuffer
            var seen: [String] = []

            func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
                seen.append(String(buffer: Self.unwrapOutboundIn(data)))
                promise?.succeed()
            }

            func close(context: ChannelHandlerContext, mode: CloseMode, promise: EventLoopPromise<Void>?) {
                seen.append("close")
                context.close(mode: mode, promise: promise)
            }
        }
        let channel = try channel()
        let below = Below()
        try channel.pipeline.syncOperations.addHandler(below, position: .first)
        for part in ["one ", "two"] { channel.write(ByteBuffer(string: part), promise: nil) }
        channel.close(promise: nil)
        #expect(below.seen == ["one two", "close"])
    }

    @Test("who waits for a write is told when that is out, and not before")
    func promises() throws {
        let channel = try channel()
        channel.write(ByteBuffer(string: "first"), promise: nil)
        var isTold = false
        channel.write(ByteBuffer(string: "second")).assumeIsolated().whenSuccess { isTold = true }
        #expect(!isTold)
        channel.flush()
        #expect(isTold)
        let all = try writes(channel)
        #expect(all == ["first", "second"])
    }

    /// Writes its parts once it is connected, and ends.
    private final class Writer: ChannelInboundHandler {
        typealias InboundIn = ByteBuffer
        typealias OutboundOut = ByteBuffer

        private let parts: [ByteBuffer]
        private let written: EventLoopPromise<Void>

        init(parts: [ByteBuffer], written: EventLoopPromise<Void>) {
            self.parts = parts
            self.written = written
        }

        func channelActive(context: ChannelHandlerContext) {
            for (index, part) in parts.enumerated() {
                context.write(Self.wrapOutboundOut(part), promise: nil)
                if index % 3 == 2 { context.flush() }
            }
            context.flush()
            written.succeed()
            context.close(mode: .output, promise: nil)
        }
    }

    /// What a server with these handlers below sends, of parts that are flushed in threes, to a client that reads
    /// nothing before all are written.
    private func sent(_ parts: [ByteBuffer], below handlers: @escaping @Sendable () -> [any ChannelHandler])
        async throws -> ByteBuffer
    {
        let group = MultiThreadedEventLoopGroup.singleton
        let written = group.any().makePromise(of: Void.self)
        let server = try await ServerBootstrap(group: group)
            .childChannelOption(.socketOption(.so_sndbuf), value: 16 * 1024)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    let pipeline = channel.pipeline.syncOperations
                    try pipeline.addHandlers(handlers())
                    try pipeline.addHandler(HTTP2OutputHandler(loop: Self.loop(channel.eventLoop)))
                    try pipeline.addHandler(Writer(parts: parts, written: written))
                }
            }
            .bind(host: "127.0.0.1", port: 0).get()
        let client = try await ClientBootstrap(group: group)
            .channelOption(.socketOption(.so_rcvbuf), value: 16 * 1024)
            .connect(to: #require(server.localAddress)) { channel in
                channel.eventLoop.makeCompletedFuture {
                    try NIOAsyncChannel<ByteBuffer, ByteBuffer>(wrappingChannelSynchronously: channel)
                }
            }
        try await written.futureResult.get()
        let received = try await client.executeThenClose { inbound, _ in
            var received = ByteBuffer()
            for try await part in inbound { received.writeImmutableBuffer(part) }
            return received
        }
        try await server.close()
        return received
    }

    /// Small and large ones, no two alike.
    private static let parts = (0..<2000).map { number in
        let count = number % 10 == 7 ? 6000 : 50 + number % 90
        return ByteBuffer(bytes: (0..<count).map { UInt8(truncatingIfNeeded: $0 ^ number) })
    }

    @Test("comes in its order, also where the socket takes some of it at once and some of it later")
    func order() async throws {
        let received = try await sent(Self.parts) { [] }
        #expect(received.readableBytesView.elementsEqual(Self.parts.flatMap(\.readableBytesView)))
    }

    /// Turns every byte around, as TLS would.
    private final class Scrambler: ChannelOutboundHandler {
        typealias OutboundIn = ByteBuffer
        typealias OutboundOut = ByteBuffer

        func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
            let scrambled = ByteBuffer(bytes: Self.unwrapOutboundIn(data).readableBytesView.map { $0 ^ 0xFF })
            context.write(Self.wrapOutboundOut(scrambled), promise: promise)
        }
    }

    @Test("goes past nothing that stands between it and the socket")
    func through() async throws {
        let received = try await sent(Self.parts) { [Scrambler()] }
        #expect(received.readableBytesView.map { $0 ^ 0xFF } == Self.parts.flatMap(\.readableBytesView))
    }
}
