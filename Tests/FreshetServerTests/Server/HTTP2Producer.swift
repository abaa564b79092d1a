import NIOCore
import NIOHPACK
import NIOHTTP2
import NIOPosix

/// A streaming append on an HTTP/2 connection of its own: sends what there is room for, and keeps account of the room that it is
/// given. It belongs to the task of its test.
final class HTTP2Producer {
    /// What either side may send on a stream before the other has said anything (RFC 9113, section 6.9.2).
    static let firstWindow = 65_535
    /// What a frame may hold (section 6.5.2).
    static let frameBytes = 16_384

    private static let stream: HTTP2StreamID = 1

    private var frames: NIOAsyncChannelInboundStream<HTTP2Frame>.AsyncIterator
    private let outbound: NIOAsyncChannelOutboundWriter<HTTP2Frame>
    private let body: [UInt8]
    private(set) var sent = 0
    /// How much more the server takes on the stream, and on the connection.
    private(set) var room = firstWindow
    private var roomOnConnection = firstWindow
    private var status: Int?

    var hasMore: Bool { sent < body.count }

    private init(
        _ inbound: NIOAsyncChannelInboundStream<HTTP2Frame>,
        _ outbound: NIOAsyncChannelOutboundWriter<HTTP2Frame>,
        body: [UInt8]
    ) {
        frames = inbound.makeAsyncIterator()
        self.outbound = outbound
        self.body = body
    }

    /// Begins to append a text to a stream of a server that speaks HTTP/2 in clear text. The connection goes afterwards.
    static func run(
        _ server: TestServer,
        _ path: String,
        body: [UInt8],
        _ use: (HTTP2Producer) async throws -> Void
    ) async throws {
        let channel = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .connect(host: "127.0.0.1", port: server.port) { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(NIOHTTP2Handler(mode: .client))
                    return try NIOAsyncChannel<HTTP2Frame, HTTP2Frame>(wrappingChannelSynchronously: channel)
                }
            }
        try await channel.executeThenClose { inbound, outbound in
            let producer = HTTP2Producer(inbound, outbound, body: body)
            let head: HPACKHeaders = [
                ":method": "POST", ":scheme": "http", ":authority": "localhost:\(server.port)", ":path": path,
                "content-type": "text/plain",
            ]
            try await producer.write(.headers(.init(headers: head)), on: stream)
            try await use(producer)
        }
    }

    /// Sends as much of the body as there is room for, and its end with the last of it.
    func send(atMost most: Int = .max) async throws {
        var left = most
        while left > 0, hasMore, room > 0, roomOnConnection > 0 {
            let count = min(Self.frameBytes, left, room, roomOnConnection, body.count - sent)
            let part = ByteBuffer(bytes: body[sent..<(sent + count)])
            left -= count
            sent += count
            room -= count
            roomOnConnection -= count
            try await write(.data(.init(data: .byteBuffer(part), endStream: !hasMore)), on: Self.stream)
        }
    }

    /// Waits until the server has seen all that was sent, and everything that it says to it at once has come: pings are answered in
    /// their order.
    func settle() async throws {
        try await write(.ping(HTTP2PingData(), ack: false), on: .rootStream)
        while true {
            if case .ping(_, ack: true) = try await next() { return }
        }
    }

    /// Sends the rest as there comes room for it. The status of the response.
    func finish() async throws -> Int {
        while true {
            try await send()
            if let status { return status }
            _ = try await next()
        }
    }

    private func write(_ payload: HTTP2Frame.FramePayload, on id: HTTP2StreamID) async throws {
        try await outbound.write(HTTP2Frame(streamID: id, payload: payload))
    }

    private func next() async throws -> HTTP2Frame.FramePayload {
        guard let frame = try await frames.next(isolation: #isolation) else {
            throw RawClient.Unexpected(description: "the connection ended after \(sent) bytes of the body were sent")
        }
        switch frame.payload {
        case .windowUpdate(let count) where frame.streamID == .rootStream: roomOnConnection += count
        case .windowUpdate(let count): room += count
        case .headers(let payload): status = payload.headers.first(name: ":status").flatMap { Int($0) }
        case .rstStream(let code), .goAway(_, let code, _):
            throw RawClient.Unexpected(description: "\(code) after \(sent) bytes of the body were sent")
        default: break
        }
        return frame.payload
    }
}
