import NIOCore
import StreamCore

/// Asks one sentinel, over a connection that is kept for the next question.
///
/// It is used on its event loop only.
@available(freshet 0.1, *)
final class SentinelClient {
    typealias Told = (Result<SentinelAnswer, RedisTrouble>) -> Void

    private let endpoint: RedisEndpoint
    private let name: String
    private let configuration: RedisConfiguration
    private let loop: any EventLoop
    private var connection: RedisConnection?
    /// Who waits for the answer that is under way.
    private var waiting: [Told] = []
    private var deadline: Scheduled<Void>?
    private var isClosed = false

    init(_ endpoint: RedisEndpoint, name: String, _ configuration: RedisConfiguration, on loop: any EventLoop) {
        self.endpoint = endpoint
        self.name = name
        self.configuration = configuration
        self.loop = loop
    }

    /// Asks where the master is. Who asks while a question is under way has its answer. It takes as long as a connection
    /// and a greeting may take at most.
    func ask(_ told: @escaping Told) {
        waiting.append(told)
        guard waiting.count == 1 else { return }
        if let connection, connection.isOpen { return ask(over: connection) }
        RedisConnector.connect(to: endpoint, configuration, on: loop, what: "sentinel") { result in
            switch result {
            case .success(let connection): self.connected(connection)
            case .failure(let trouble): self.answered(.failure(trouble))
            }
        }
    }

    /// Ends it for ever; who waits is not told.
    func close() {
        isClosed = true
        waiting = []
        deadline?.cancel()
        connection?.close(Self.stopped)
    }

    private static let stopped = RedisTrouble(.stopped, "the connection to the sentinel was closed from here")

    private func connected(_ connection: RedisConnection) {
        guard !isClosed else { return connection.close(Self.stopped) }
        self.connection = connection
        bound(connection)
        connection.attach(
            RedisConnection.Owner(
                ready: {
                    self.authenticate(connection)
                    self.ask(over: connection)
                },
                pushed: { _ in },
                answered: { _ in },
                retired: { _ in },
                closing: { _ in },
                closed: { self.ended(connection, $0) }
            )
        )
    }

    private func bound(_ connection: RedisConnection) {
        deadline?.cancel()
        let time = configuration.handshakeTimeout
        deadline = loop.assumeIsolated().scheduleTask(in: TimeAmount(time)) {
            connection.close(RedisTrouble(.timeout, "it did not answer within \(time)"))
        }
    }

    private func authenticate(_ connection: RedisConnection) {
        guard let password = configuration.url.sentinelPassword else { return }
        var command = RedisCommand("AUTH")
        if let user = configuration.url.sentinelUser { command.add(user) }
        command.add(password)
        connection.send(command) { result in
            if case .failure(.refused(let error)) = result { connection.close(.ofSentinel(error)) }
        }
    }

    private func ask(over connection: RedisConnection) {
        bound(connection)
        let replies = PipelineReplies(count: 2) { replies in
            guard let description = Self.reply(replies[0]), let address = Self.reply(replies[1]) else { return }
            do throws(RedisTrouble) {
                let answer = try SentinelAnswer(description, address, of: self.name)
                // From here on its end is not that of something which never worked.
                connection.isInUse = true
                self.answered(.success(answer))
            } catch {
                self.answered(.failure(error))
            }
        }
        for question in ["MASTER", "GET-MASTER-ADDR-BY-NAME"] {
            connection.send(RedisCommand(["SENTINEL", question, name]), told: replies.received)
        }
        connection.flush()
    }

    /// Nil where none came: the end of the connection is told.
    private static func reply(_ result: Result<RESPValue, RedisFailure>) -> Result<RESPValue, RESPError>? {
        switch result {
        case .success(let value): .success(value)
        case .failure(.refused(let error)): .failure(error)
        case .failure: nil
        }
    }

    private func ended(_ connection: RedisConnection, _ trouble: RedisTrouble) {
        guard self.connection === connection else { return }
        self.connection = nil
        answered(.failure(trouble))
    }

    private func answered(_ result: Result<SentinelAnswer, RedisTrouble>) {
        deadline?.cancel()
        let told = waiting
        waiting = []
        for told in told { told(result) }
    }
}
