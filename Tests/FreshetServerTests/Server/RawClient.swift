import Locks
import NIOCore
import NIOPosix

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#elseif canImport(Darwin)
import Darwin
#endif

/// A TCP connection whose bytes are the test's own. It waits for bytes, never for time; what does not come within
/// a generous while is a failure that shows what came instead.
final class RawClient: Sendable {
    struct Unexpected: Error, CustomStringConvertible {
        var description: String
    }

    /// One response, taken apart.
    struct Response {
        var status: Int
        var head: String
        var body: String

        func header(_ name: String) -> String? { headers(name).first }

        func headers(_ name: String) -> [String] {
            head.split(separator: "\r\n").dropFirst().compactMap { line in
                let sides = line.split(separator: ":", maxSplits: 1)
                guard sides.count == 2, sides[0].lowercased() == name.lowercased() else { return nil }
                return String(sides[1].drop { $0 == " " })
            }
        }

        /// The short name of a problem.
        var code: String? {
            let mark = "urn:freshet:"
            guard let start = body.firstRange(of: mark)?.upperBound else { return nil }
            return String(body[start...].prefix { $0 != "\"" })
        }
    }

    private struct State {
        var bytes: [UInt8] = []
        var isEnded = false
        var error: String?
        var isLate = false
        var waiter: CheckedContinuation<Void, Never>?
        /// Something changed since the last look.
        var isNews = false
    }

    private let channel: any Channel
    private let collector: Collector

    static func connect(port: Int, receiveBuffer: Int? = nil) async throws -> RawClient {
        let collector = Collector()
        var bootstrap = ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .channelOption(.allowRemoteHalfClosure, value: true)
            .channelInitializer { $0.pipeline.addHandler(collector) }
        if let receiveBuffer {
            bootstrap = bootstrap.channelOption(.socketOption(.so_rcvbuf), value: receiveBuffer)
        }
        return RawClient(try await bootstrap.connect(host: "127.0.0.1", port: port).get(), collector)
    }

    private init(_ channel: any Channel, _ collector: Collector) {
        self.channel = channel
        self.collector = collector
    }

    func send(_ text: String) async throws {
        try await channel.writeAndFlush(ByteBuffer(string: text)).get()
    }

    func send(_ bytes: [UInt8]) async throws {
        try await channel.writeAndFlush(ByteBuffer(bytes: bytes)).get()
    }

    /// No more bytes from here; the other side may still send.
    func endSending() async throws { try await channel.close(mode: .output).get() }

    func close() async { try? await channel.close().get() }

    /// Goes with a reset, which the other side sees at once.
    func reset() async throws {
        try await (channel as? any SocketOptionProvider)?.setSoLinger(linger(l_onoff: 1, l_linger: 0)).get()
        await close()
    }

    /// Takes nothing more from the socket.
    func pause() async throws { try await channel.setOption(.autoRead, value: false).get() }

    func resume() async throws { try await channel.setOption(.autoRead, value: true).get() }

    /// Everything up to and with a text.
    func read(through marker: String) async throws -> String {
        let marker = Array(marker.utf8)
        let searched = Mutex(0)
        return try await take { bytes, _ in
            // Only what is new: megabytes would else be searched again with each arrival.
            searched.withLock { searched in
                let start = max(0, searched - marker.count)
                searched = bytes.count
                return find(marker, in: bytes, from: start).map { $0 + marker.count }
            }
        }
    }

    /// By the library's search: a generic one takes seconds for a megabyte under the thread sanitizer.
    private func find(_ marker: [UInt8], in bytes: [UInt8], from start: Int) -> Int? {
        bytes.withUnsafeBytes { bytes in
            guard let base = bytes.baseAddress else { return nil }
            var place = start
            while place + marker.count <= bytes.count {
                guard let found = memchr(base + place, Int32(marker[0]), bytes.count - place) else { return nil }
                place = base.distance(to: found)
                guard place + marker.count <= bytes.count else { return nil }
                if memcmp(base + place, marker, marker.count) == 0 { return place }
                place += 1
            }
            return nil
        }
    }

    /// Everything up to a regular end of the connection.
    func readToEnd() async throws -> String { try await take { bytes, isEnded in isEnded ? bytes.count : nil } }

    /// The next chunk of a chunked body; nil for the last.
    func chunk() async throws -> String? {
        let line = try await read(through: "\r\n")
        guard let size = Int(line.prefix { $0.isHexDigit }, radix: 16) else {
            throw Unexpected(description: "no chunk: \(line)")
        }
        let part = try await take { bytes, _ in bytes.count >= size + 2 ? size + 2 : nil }
        return size == 0 ? nil : String(decoding: Array(part.utf8).dropLast(2), as: UTF8.self)
    }

    /// The rest of a chunked body.
    func chunks() async throws -> String {
        var body = ""
        while let chunk = try await chunk() { body += chunk }
        return body
    }

    func head() async throws -> String { try await read(through: "\r\n\r\n") }

    /// A whole response; without a body when it answers a HEAD.
    func response(toHead: Bool = false) async throws -> Response {
        let head = try await head()
        guard head.hasPrefix("HTTP/1."), let status = Int(head.dropFirst(9).prefix(3)) else {
            throw Unexpected(description: "no response: \(head)")
        }
        var answer = Response(status: status, head: head, body: "")
        guard !toHead, status >= 200, status != 204, status != 304 else { return answer }
        if let length = answer.header("Content-Length").flatMap({ Int($0) }) {
            answer.body = try await take { bytes, _ in bytes.count >= length ? length : nil }
        } else if answer.header("Transfer-Encoding") == "chunked" {
            answer.body = try await chunks()
        } else {
            answer.body = try await readToEnd()
        }
        return answer
    }

    func request(_ text: String) async throws -> Response {
        try await send(text)
        return try await response(toHead: text.hasPrefix("HEAD"))
    }

    private func take(_ find: @Sendable (_ bytes: [UInt8], _ isEnded: Bool) -> Int?) async throws -> String {
        let timer = channel.eventLoop.scheduleTask(in: .seconds(120)) { [collector] in collector.expire() }
        defer { timer.cancel() }
        while true {
            let found: Result<[UInt8]?, Unexpected> = collector.look { bytes, isEnded, error, isLate in
                // What had come is there, also when the connection broke behind it.
                if let count = find(bytes, isEnded && error == nil) {
                    let taken = Array(bytes.prefix(count))
                    bytes.removeFirst(count)
                    return .success(taken)
                }
                if let error { return .failure(Unexpected(description: "\(error), after \(shown(bytes))")) }
                if isEnded { return .failure(Unexpected(description: "the connection ended after \(shown(bytes))")) }
                if isLate { return .failure(Unexpected(description: "nothing more came after \(shown(bytes))")) }
                return .success(nil)
            }
            if let taken = try found.get() { return String(decoding: taken, as: UTF8.self) }
            await collector.wait()
        }
    }

    /// Gathers what arrives. Shared by the event loop and the test behind a mutex.
    private final class Collector: ChannelInboundHandler, Sendable {
        typealias InboundIn = ByteBuffer

        private let state = Mutex(State())

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            change { $0.bytes.append(contentsOf: Self.unwrapInboundIn(data).readableBytesView) }
        }

        func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
            if case ChannelEvent.inputClosed = event { change { $0.isEnded = true } }
        }

        func channelInactive(context: ChannelHandlerContext) { change { $0.isEnded = true } }

        func errorCaught(context: ChannelHandlerContext, error: any Error) {
            // After a regular end everything has come: what is sent into it breaks nothing that is read.
            change { if !$0.isEnded { $0.error = "the connection broke (\(error))" } }
            context.close(promise: nil)
        }

        func expire() { change { $0.isLate = true } }

        func look<T: Sendable>(_ body: (inout [UInt8], _ isEnded: Bool, _ error: String?, _ isLate: Bool) -> T) -> T {
            state.withLock { state in
                state.isNews = false
                return body(&state.bytes, state.isEnded, state.error, state.isLate)
            }
        }

        func wait() async {
            await withCheckedContinuation { continuation in
                let isNews = state.withLock { state in
                    precondition(state.waiter == nil, "one reader at a time")
                    if !state.isNews { state.waiter = continuation }
                    return state.isNews
                }
                if isNews { continuation.resume() }
            }
        }

        private func change(_ body: (inout State) -> Void) {
            state.withLock { state -> CheckedContinuation<Void, Never>? in
                body(&state)
                state.isNews = true
                defer { state.waiter = nil }
                return state.waiter
            }?.resume()
        }
    }
}

private func shown(_ bytes: [UInt8]) -> String {
    let text = String(decoding: bytes.suffix(600), as: UTF8.self)
    return "\(bytes.count) bytes: \(text.debugDescription)"
}
