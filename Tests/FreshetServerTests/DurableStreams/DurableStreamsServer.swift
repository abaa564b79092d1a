import NIOCore
import NIOHTTP1
import SQLiteStreamStore
import StoreSuite
import StreamCore
import StreamHTTP
import Testing
import TextCodecs

@testable import FreshetServer

/// A server on loopback, on a clock that the test moves, and the requests of a Durable Streams client.
struct DurableStreamsServer {
    let time: ManualTime
    let streams: Streams
    let port: Int

    /// Runs a test against a server of its own, which is gone afterwards.
    static func run(
        _ keeping: Keeping,
        longPoll: TimeAmount = .minutes(10),
        durableStreamsSSE: TimeAmount = .seconds(60),
        pageBytes: Int = 1 << 20,
        publicCache: [StreamPrefix] = [],
        _ body: (DurableStreamsServer) async throws -> Void
    ) async throws {
        let time = ManualTime()
        let directory = TemporaryDirectory()
        let store = try keeping.store(in: directory, time)
        let streams = Streams(store: store, time: time)
        var dataPlane = DataPlaneConfiguration(ServerConfiguration())
        dataPlane.longPollTime = longPoll
        dataPlane.durableStreamsTime = durableStreamsSSE
        let plane = StreamPlane(streams: streams, configuration: dataPlane)
        let routes = StreamRoutes(
            plane: plane,
            configuration: StreamRoutesConfiguration(
                bodyBytes: 1 << 20,
                pieces: dataPlane.pieces,
                createOnPost: [],
                publicCache: publicCache,
                pageBytes: pageBytes
            ),
            time: time
        )
        let responder = FreshetResponder(
            access: CurrentAccess(ServerConfiguration().accessPolicy(keys: nil)),
            streamRoutes: routes,
            listing: ListingRoutes(streams: streams),
            session: nil,
            time: time
        )
        let server = await HTTPServer(
            responder: responder,
            configuration: dataPlane,
            eventLoops: 1,
            time: time
        )
        do {
            let (_, address) = try await server.listen(
                host: "127.0.0.1",
                port: 0,
                SuiteTransport.current.port()
            )
            let port = try #require(address.port)
            try await body(DurableStreamsServer(time: time, streams: streams, port: port))
        } catch {
            await server.stop()
            await (store as? SQLiteStreamStore)?.close()
            throw error
        }
        await server.stop()
        await (store as? SQLiteStreamStore)?.close()
    }

    // MARK: Requests, each on a connection of its own

    func send(
        _ method: HTTPMethod,
        _ target: String,
        _ headers: KeyValuePairs<String, String> = [:],
        body: String? = nil
    ) async throws -> PendingResponse {
        var fields = HTTPHeaders(headers.map { ($0.key, $0.value) })
        fields.replaceOrAdd(name: "Host", value: "localhost:\(port)")
        // Without a length a POST would be chunked, which is a producer at work.
        if body != nil || method == .POST || method == .PUT {
            fields.replaceOrAdd(name: "Content-Length", value: "\(body?.utf8.count ?? 0)")
        }
        let uri = target.hasPrefix("/") ? target : StreamRoutes.prefix + target
        return try await PendingResponse(
            port: port,
            HTTPRequestHead(version: .http1_1, method: method, uri: uri, headers: fields),
            body
        )
    }

    @discardableResult
    func ask(
        _ method: HTTPMethod,
        _ target: String,
        _ headers: KeyValuePairs<String, String> = [:],
        body: String? = nil
    ) async throws -> DurableStreamsResponse {
        try await send(method, target, headers, body: body).whole()
    }

    /// Creates a stream of a type and returns the response.
    @discardableResult
    func create(_ name: String, _ type: String = "text/plain", body: String? = nil) async throws
        -> DurableStreamsResponse
    {
        let answer = try await ask(.PUT, name, ["Content-Type": type], body: body)
        #expect(answer.status == 201)
        return answer
    }

    @discardableResult
    func append(_ name: String, _ body: String, _ type: String = "text/plain") async throws -> DurableStreamsResponse {
        try await ask(.POST, name, ["Content-Type": type], body: body)
    }

    @discardableResult
    func close(_ name: String) async throws -> DurableStreamsResponse {
        try await ask(.POST, name, ["Stream-Closed": "true"])
    }

    func read(_ name: String, _ query: String = "offset=-1") async throws -> DurableStreamsResponse {
        try await ask(.GET, "\(name)?\(query)")
    }

    /// A `live=sse` read whose head has come.
    func follow(_ name: String, _ query: String = "offset=-1") async throws -> PendingResponse {
        var answer = try await send(.GET, "\(name)?\(query)&live=sse")
        let head = try await answer.head()
        try #require(head.status.code == 200)
        return answer
    }

    /// A long-poll that the server has accepted and holds.
    func poll(_ name: String, _ query: String) async throws -> PendingResponse {
        let stream = try StreamName(name)
        let before = streams.attendance(of: stream).readers
        let answer = try await send(.GET, "\(name)?\(query)&live=long-poll")
        while streams.attendance(of: stream).readers == before { try await Task.sleep(for: .milliseconds(1)) }
        return answer
    }
}

/// A response, whole.
struct DurableStreamsResponse {
    var status: Int
    var headers: HTTPHeaders
    var body: String

    /// The value of a header field; nil when it is not there.
    subscript(_ name: String) -> String? { headers.first(name: name) }

    var next: String { self["Stream-Next-Offset"] ?? "" }
}

/// A response on its way.
struct PendingResponse {
    private let channel: any Channel
    private var parts: AsyncStream<HTTPClientResponsePart>.Iterator
    private var parser = EventLines()
    private var headPart: HTTPResponseHead?

    struct Closed: Error {}

    init(port: Int, _ request: HTTPRequestHead, _ body: String?) async throws {
        let (stream, continuation) = AsyncStream<HTTPClientResponsePart>.makeStream()
        channel = try await SuiteTransport.current.connect(port: port) { channel in
            try channel.pipeline.syncOperations.addHandler(PartCollector(continuation))
        }
        parts = stream.makeAsyncIterator()
        channel.write(HTTPClientRequestPart.head(request), promise: nil)
        if let body { channel.write(HTTPClientRequestPart.body(.byteBuffer(ByteBuffer(string: body))), promise: nil) }
        try await channel.writeAndFlush(HTTPClientRequestPart.end(nil))
    }

    mutating func head() async throws -> HTTPResponseHead {
        if let headPart { return headPart }
        guard case .head(let head)? = await parts.next(isolation: #isolation) else { throw Closed() }
        headPart = head
        return head
    }

    func whole() async throws -> DurableStreamsResponse {
        var answer = self
        let head = try await answer.head()
        var body = ByteBuffer()
        while let part = await answer.parts.next(isolation: #isolation) {
            guard case .body(var more) = part else { break }
            body.writeBuffer(&more)
        }
        await answer.close()
        return DurableStreamsResponse(
            status: Int(head.status.code),
            headers: head.headers,
            body: String(buffer: body)
        )
    }

    /// The next event of a `live=sse` read; nil when the server ended it.
    mutating func event() async -> (type: String, data: String)? {
        while true {
            if let event = parser.next() { return event }
            guard case .body(let more)? = await parts.next(isolation: #isolation) else { return nil }
            parser.feed(String(buffer: more))
        }
    }

    /// A `data` event and the `control` event after it.
    mutating func batch() async throws -> (data: String, control: String) {
        guard let data = await event(), data.type == "data", let control = await event(), control.type == "control"
        else { throw Closed() }
        return (data.data, control.data)
    }

    func close() async { try? await (channel.parent ?? channel).close() }
}

/// Server-sent events, read the way simple clients of the protocol do.
private struct EventLines {
    private var text = ""

    mutating func feed(_ more: String) { text += more }

    mutating func next() -> (type: String, data: String)? {
        while let end = text.firstRange(of: "\n\n") {
            let block = text[..<end.lowerBound]
            text = String(text[end.upperBound...])
            var type = ""
            var data: [Substring] = []
            for line in block.split(separator: "\n", omittingEmptySubsequences: false) {
                if line.hasPrefix("event:") { type = line.dropFirst(6).trimmingBlanks().description }
                if line.hasPrefix("data:") { data.append(line.dropFirst(5)) }
            }
            if !type.isEmpty { return (type, data.joined(separator: "\n")) }
        }
        return nil
    }
}

private final class PartCollector: ChannelInboundHandler {
    typealias InboundIn = HTTPClientResponsePart
    private let continuation: AsyncStream<HTTPClientResponsePart>.Continuation

    init(_ continuation: AsyncStream<HTTPClientResponsePart>.Continuation) { self.continuation = continuation }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        continuation.yield(Self.unwrapInboundIn(data))
    }

    func channelInactive(context: ChannelHandlerContext) { continuation.finish() }
}
