import Locks
import NIOCore
import NIOPosix

@testable import RedisStreamStore

/// A TCP server whose answers to commands are decided by the test, byte for byte.
final class ScriptedRedis: Sendable {
    enum Answer: Sendable {
        case text(String)
        /// Each byte in a write of its own.
        case bytewise(String)
        case nothing
        /// The text, and then the connection is closed.
        case last(String)
    }

    struct Command: Sendable {
        /// Of the connection it came over, from 0.
        var connection: Int
        var words: [String]
        var name: String { words.first ?? "" }
    }

    let commands = Recorder<Command>()
    let connections = Recorder<any Channel>()
    let port: Int
    private let channel: any Channel

    private init(_ channel: any Channel, _ shared: Shared) {
        self.channel = channel
        port = channel.localAddress?.port ?? 0
        shared.commands = commands
        shared.connections = connections
    }

    private final class Shared: Sendable {
        private let state = Mutex<(Recorder<Command>?, Recorder<any Channel>?, Int)>((nil, nil, 0))

        var commands: Recorder<Command>? {
            get { state.withLock { $0.0 } }
            set { state.withLock { $0.0 = newValue } }
        }

        var connections: Recorder<any Channel>? {
            get { state.withLock { $0.1 } }
            set { state.withLock { $0.1 = newValue } }
        }

        func next() -> Int {
            state.withLock { state in
                defer { state.2 += 1 }
                return state.2
            }
        }
    }

    /// Runs a server for the duration of `body`.
    ///
    /// - Parameter answer: what each command is answered.
    static func run<Result>(
        answer: @escaping @Sendable (Command) -> Answer,
        _ body: (ScriptedRedis) async throws -> Result
    ) async throws -> Result {
        let shared = Shared()
        let channel = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .childChannelOption(.tcpOption(.tcp_nodelay), value: 1)
            .childChannelInitializer { child in
                child.eventLoop.makeCompletedFuture {
                    let number = shared.next()
                    let handler = Handler(number: number, answer: answer) { shared.commands?.note($0) }
                    try child.pipeline.syncOperations.addHandler(handler)
                    shared.connections?.note(child)
                }
            }
            .bind(host: "127.0.0.1", port: 0)
            .get()
        let server = ScriptedRedis(channel, shared)
        defer {
            channel.close(promise: nil)
            for connection in server.connections.elements { connection.close(promise: nil) }
        }
        return try await body(server)
    }

    var url: RedisURL { get throws { try RedisURL("redis://127.0.0.1:\(port)") } }

    /// Writes what nobody asked for to a connection.
    func push(_ text: String, to connection: Int) async {
        let channels = await connections.wait(for: connection + 1)
        channels[connection].writeAndFlush(ByteBuffer(string: text), promise: nil)
    }

    func cut(_ connection: Int) async {
        let channels = await connections.wait(for: connection + 1)
        channels[connection].close(promise: nil)
    }

    /// What a Redis says that is as it should be; nil of a command that is not of the greeting.
    static func greeting(_ command: Command, version: String = "7.0.15", role: String = "master") -> String? {
        switch command.name {
        case "HELLO":
            return
                "%7\r\n$6\r\nserver\r\n$5\r\nredis\r\n$7\r\nversion\r\n$5\r\n6.0.0\r\n$5\r\nproto\r\n:3\r\n$2\r\nid\r\n:10\r\n"
                + "$4\r\nmode\r\n$10\r\nstandalone\r\n$4\r\nrole\r\n$6\r\nmaster\r\n$7\r\nmodules\r\n*0\r\n"
        case "SELECT": return "+OK\r\n"
        case "ROLE":
            return role == "master" ? "*3\r\n$6\r\nmaster\r\n:0\r\n*0\r\n" : "*1\r\n$\(role.utf8.count)\r\n\(role)\r\n"
        case "INFO":
            let text =
                "# Server\r\nredis_version:\(version)\r\nredis_mode:standalone\r\nrun_id:abc\(command.connection)\r\n"
            return "=\(text.utf8.count + 4)\r\ntxt:\(text)\r\n"
        case "PING": return "+PONG\r\n"
        default: return nil
        }
    }

    private final class Handler: ChannelInboundHandler {
        typealias InboundIn = ByteBuffer
        typealias OutboundOut = ByteBuffer

        private let number: Int
        private let answer: (Command) -> Answer
        private let note: (Command) -> Void
        private var parser = RESPParser()

        init(number: Int, answer: @escaping (Command) -> Answer, note: @escaping (Command) -> Void) {
            self.number = number
            self.answer = answer
            self.note = note
        }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            var commands: [Command] = []
            unwrapInboundIn(data).withUnsafeReadableBytes { bytes in
                var position = 0
                while let value = try? parser.next(bytes, &position) {
                    commands.append(Command(connection: number, words: (value.elements ?? []).map { $0.text ?? "" }))
                }
            }
            for command in commands {
                note(command)
                switch answer(command) {
                case .text(let text): context.writeAndFlush(wrapOutboundOut(ByteBuffer(string: text)), promise: nil)
                case .bytewise(let text):
                    for byte in text.utf8 {
                        context.writeAndFlush(wrapOutboundOut(ByteBuffer(bytes: [byte])), promise: nil)
                    }
                case .nothing: break
                case .last(let text):
                    context.writeAndFlush(wrapOutboundOut(ByteBuffer(string: text)), promise: nil)
                    context.close(promise: nil)
                    return
                }
            }
        }

        func errorCaught(context: ChannelHandlerContext, error: any Error) {
            context.close(promise: nil)
        }
    }
}
