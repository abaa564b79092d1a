import Locks
import NIOCore
import NIOPosix
import StoreSuite
import StreamCore
import Testing

@testable import StreamHTTP

@Suite("A connection above a handler that changes its bytes, as TLS does", .timeLimit(.minutes(10)))
struct HandlerBelowTests {
    /// Turns every byte around, both ways.
    private final class Scrambler: ChannelDuplexHandler {
        typealias InboundIn = ByteBuffer
        typealias InboundOut = ByteBuffer
        typealias OutboundIn = ByteBuffer
        typealias OutboundOut = ByteBuffer

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            context.fireChannelRead(Self.wrapInboundOut(scrambled(Self.unwrapInboundIn(data))))
        }

        func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
            context.write(Self.wrapOutboundOut(scrambled(Self.unwrapOutboundIn(data))), promise: promise)
        }
    }

    private static func scrambled(_ buffer: ByteBuffer) -> ByteBuffer {
        ByteBuffer(bytes: buffer.readableBytesView.map { $0 ^ 0xFF })
    }

    /// Answers with a text, in one piece or while it is made.
    private struct Texts: Responder {
        func plan(for head: RequestHead, _ facts: ConnectionFacts) -> RequestPlan {
            if head.uri == "/whole" { return .respond(Response(200, body: Array("whole".utf8))) }
            return .exchange(
                ExchangePlan { _, writer in
                    try await writer.head(200, [])
                    for _ in 0..<3 { try await writer.write(ByteBuffer(string: "part")) }
                }
            )
        }

        func respond(to failure: RequestFailure, head: RequestHead?) -> Response { Response(400) }

        func commonFields(for head: RequestHead?) -> [HeaderField] { [HeaderField("X-Common", "yes")] }
    }

    /// What a server sends that has these handlers between its sockets and HTTP.
    private func ask(_ target: String, below handlers: @escaping @Sendable () -> [any ChannelHandler]) async throws
        -> (bytes: ByteBuffer, isDirect: Bool)
    {
        let group = MultiThreadedEventLoopGroup.singleton
        let loops = await HTTPLoops(
            group,
            responder: Texts(),
            configuration: .forTests,
            time: ManualTime(),
            log: .none
        )
        let isDirect = Mutex(false)
        let server = try await ServerBootstrap(group: group)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandlers(handlers())
                    try HTTP1Connection.add(
                        to: channel,
                        loop: loops.loop(on: channel.eventLoop),
                        peer: ConnectionPeer(address: "test", refusal: nil)
                    )
                    let context = try channel.pipeline.syncOperations.context(handlerType: HTTP1Connection.self)
                    isDirect.withLock { $0 = context.isLowestOutbound }
                }
            }
            .bind(host: "127.0.0.1", port: 0).get()
        let client = try await ClientBootstrap(group: group)
            .connect(to: #require(server.localAddress)) { channel in
                channel.eventLoop.makeCompletedFuture {
                    try NIOAsyncChannel<ByteBuffer, ByteBuffer>(wrappingChannelSynchronously: channel)
                }
            }
        let request = ByteBuffer(string: "GET \(target) HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
        let isScrambled = !handlers().isEmpty
        let received = try await client.executeThenClose { inbound, outbound in
            try await outbound.write(isScrambled ? Self.scrambled(request) : request)
            var received = ByteBuffer()
            for try await part in inbound { received.writeImmutableBuffer(part) }
            return received
        }
        try await server.close()
        await loops.stop()
        return (received, isDirect.withLock(\.self))
    }

    @Test("sends nothing past it: whole answers and parts go through", arguments: ["/whole", "/parts"])
    func through(target: String) async throws {
        let (bytes, isDirect) = try await ask(target) { [Scrambler()] }
        #expect(!isDirect)
        #expect(!String(buffer: bytes).contains("HTTP/1.1"))
        let text = String(buffer: Self.scrambled(bytes))
        #expect(text.hasPrefix("HTTP/1.1 200 OK\r\n"))
        #expect(text.contains("\r\nX-Common: yes\r\n"))
        #expect(text.hasSuffix(target == "/whole" ? "whole" : "4\r\npart\r\n4\r\npart\r\n4\r\npart\r\n0\r\n\r\n"))
    }

    @Test("without one it is the lowest, and sends straight to the socket")
    func lowest() async throws {
        let (bytes, isDirect) = try await ask("/whole") { [] }
        #expect(isDirect)
        #expect(String(buffer: bytes).hasSuffix("whole"))
    }
}
