import NIOCore
import NIOEmbedded
import StoreSuite
import StreamCore
import Testing

@testable import StreamHTTP

@Suite("One HTTP/1.1 connection")
struct HTTP1ConnectionTests {
    private struct Held: Responder {
        let name: StreamName
        var plane: StreamPlane?

        func plan(for head: RequestHead, _ facts: ConnectionFacts) -> RequestPlan {
            let plan = SubscriptionPlan(
                name: name,
                form: .sse,
                headers: [],
                requested: "-1",
                opening: .held(tellsStart: false)
            )
            return .act { .subscribe(plan) }
        }

        func respond(to failure: RequestFailure, head: RequestHead?) -> Response { Response(400) }
        func commonFields(for head: RequestHead?) -> [HeaderField] { [] }
    }

    @Test("whose server stops has left its request by then, and not only when the channel says that it is closed")
    func stopping() throws {
        let streams = Streams(store: MemoryStreamStore(time: ManualTime()), time: ManualTime())
        let plane = StreamPlane(streams: streams, configuration: .forTests)
        let channel = EmbeddedChannel()
        let loop = HTTPLoop(
            channel.eventLoop,
            responder: Held(name: try StreamName("a"), plane: plane),
            configuration: .forTests,
            time: ManualTime(),
            log: .none
        )
        try HTTP1Connection.add(to: channel, loop: loop, peer: ConnectionPeer(address: "test", refusal: nil))
        try channel.connect(to: SocketAddress(ipAddress: "127.0.0.1", port: 1)).wait()
        try channel.writeInbound(ByteBuffer(string: "GET /a HTTP/1.1\r\nHost: a\r\n\r\n"))
        #expect(plane.plane(on: channel.eventLoop).metrics.heldReaders == 1)
        loop.stop()
        #expect(plane.plane(on: channel.eventLoop).metrics.heldReaders == 0)
        channel.embeddedEventLoop.run()
        #expect(!channel.isActive)
    }
}
