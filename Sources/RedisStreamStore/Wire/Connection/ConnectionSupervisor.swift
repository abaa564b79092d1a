import NIOCore
import StreamCore

/// Keeps one connection to Redis: makes it, greets, sets it up, and makes another when it is lost, until it is closed.
///
/// It is used on its event loop only.
@available(freshet 0.1, *)
final class ConnectionSupervisor {
    typealias Setup = @Sendable (any RedisCommands) async throws -> Void

    /// What its owner is told, each on the loop.
    struct Owner {
        var up: (RedisSession, RedisConnection) -> Void
        /// After `up`, once: the connection takes no more commands, from before those fail that have no reply.
        var leaving: (RedisTrouble) -> Void
        /// After that, when they have failed.
        var down: (RedisTrouble) -> Void
        /// An attempt came to nothing.
        var failed: (RedisTrouble) -> Void
        var pushed: ([RESPValue]) -> Void
        var answered: (_ bytes: Int) -> Void
    }

    private enum State {
        /// Sentinels, names, TCP. Next: greeting, or waiting.
        case connecting
        /// TLS, and what is said first. Next: setting up, up, or waiting.
        case greeting(RedisConnection, Handshake)
        /// Next: up, or waiting.
        case settingUp(RedisConnection, Task<Void, Never>)
        /// Next: leaving, or waiting.
        case up(RedisConnection, RedisSession)
        /// The last replies of a connection that is not used any more. Next: waiting.
        case leaving(RedisConnection)
        /// Until it is tried again. Next: connecting.
        case waiting(Scheduled<Void>)
        case closed
    }

    private let configuration: RedisConfiguration
    private let loop: any EventLoop
    private let setup: Setup?
    private let owner: Owner
    /// Nil where the Redis itself is named.
    private let finder: MasterFinder?
    /// Whether others use the finder too.
    private let isShared: Bool
    /// By which the finder knows the connection that there is.
    private var use: Int?
    /// Of the attempt, or of the connection that there is.
    private var endpoint: RedisEndpoint
    private var state = State.closed
    private var backOff: BackOff
    private var generation: UInt64 = 0
    private var upSince: NIODeadline?
    /// The bound of the step that is under way.
    private var deadline: Scheduled<Void>?

    /// - Parameter finder: that of the connections which shall be at the same master; nil for one of its own.
    init(
        _ configuration: RedisConfiguration,
        on loop: any EventLoop,
        finder: MasterFinder?,
        setup: Setup?,
        owner: Owner
    ) {
        self.configuration = configuration
        self.loop = loop
        self.setup = setup
        self.owner = owner
        self.finder = finder ?? MasterFinder(configuration, on: loop)
        isShared = finder != nil
        endpoint = configuration.url.endpoints[0]
        backOff = BackOff(longest: configuration.longestBackOff)
    }

    func start() { connect() }

    /// Ends it for ever.
    ///
    /// - Returns: The future of the socket, if there is one.
    func close() -> EventLoopFuture<Void> {
        let before = state
        state = .closed
        deadline?.cancel()
        leaveMaster()
        if !isShared { finder?.close() }
        let trouble = RedisTrouble(.stopped, "the connection to Redis was closed from here")
        switch before {
        case .greeting(let connection, _), .settingUp(let connection, _), .up(let connection, _),
            .leaving(let connection):
            if case .settingUp(_, let task) = before { task.cancel() }
            let closed = connection.closeFuture ?? loop.makeSucceededVoidFuture()
            if case .up = before { owner.leaving(trouble) }
            connection.close(trouble)
            if case .up = before { owner.down(trouble) }
            return closed
        case .waiting(let next): next.cancel()
        // What comes of the attempt is closed when it comes.
        case .connecting, .closed: break
        }
        return loop.makeSucceededVoidFuture()
    }

    /// Gives up the connection that there is, and makes another.
    func reconnect(because trouble: RedisTrouble) {
        if case .up(let connection, _) = state { connection.close(trouble) }
    }

    // MARK: Connecting

    private func connect() {
        state = .connecting
        guard let finder else { return connect(to: configuration.url.endpoints[0]) }
        finder.find { result in
            guard case .connecting = self.state else { return }
            switch result {
            case .success(let endpoint): self.connect(to: endpoint)
            case .failure(let trouble): self.attemptFailed(trouble)
            }
        }
    }

    private func connect(to endpoint: RedisEndpoint) {
        self.endpoint = endpoint
        RedisConnector.connect(to: endpoint, configuration, on: loop) { result in
            switch result {
            case .success(let connection): self.connected(connection)
            case .failure(let trouble): if case .connecting = self.state { self.masterFailed(trouble) }
            }
        }
    }

    private func connected(_ connection: RedisConnection) {
        guard case .connecting = state else {
            return connection.close(RedisTrouble(.stopped, "the connection to Redis was closed from here"))
        }
        let handshake = Handshake(configuration.url, clientName: configuration.clientName)
        state = .greeting(connection, handshake)
        let what = configuration.url.isSecure ? "speak TLS (if it speaks clear text there, write redis://)" : "greet"
        bound(configuration.handshakeTimeout, connection, "Redis did not \(what)")
        connection.attach(
            RedisConnection.Owner(
                ready: { self.greet(connection, handshake) },
                pushed: { self.owner.pushed($0) },
                answered: { self.owner.answered($0) },
                retired: { self.retired(connection, $0) },
                closing: { self.ending(connection, $0) },
                closed: { self.ended(connection, $0) }
            )
        )
    }

    /// Gives a connection up when a step is not over in its time.
    private func bound(_ time: Duration, _ connection: RedisConnection, _ words: String) {
        deadline?.cancel()
        deadline = loop.assumeIsolated().scheduleTask(in: TimeAmount(time)) {
            connection.close(RedisTrouble(.timeout, "\(words) within \(time)"))
        }
    }

    // MARK: Greeting and setting up

    private func greet(_ connection: RedisConnection, _ handshake: Handshake) {
        // TLS has taken its own time.
        bound(configuration.handshakeTimeout, connection, "Redis did not greet")
        for command in handshake.commands {
            connection.send(command) { self.greeted(connection, $0) }
        }
        connection.flush()
    }

    private func greeted(_ connection: RedisConnection, _ result: Result<RESPValue, RedisFailure>) {
        guard case .greeting(let current, var handshake) = state, current === connection else { return }
        let reply: Result<RESPValue, RESPError>
        switch result {
        case .success(let value): reply = .success(value)
        case .failure(.refused(let error)): reply = .failure(error)
        // The connection is over, which is told.
        case .failure: return
        }
        let action = handshake.received(reply)
        state = .greeting(connection, handshake)
        switch action {
        case .wait: break
        case .failed(let trouble): connection.close(trouble)
        case .succeeded(let facts): setUp(connection, facts)
        }
    }

    private func setUp(_ connection: RedisConnection, _ facts: Handshake.Facts) {
        connection.isInUse = true
        guard let setup else { return becameUp(connection, facts) }
        bound(configuration.setupTimeout, connection, "Redis was not set up")
        let commands = SetupCommands(connection, on: loop)
        let bound = NIOLoopBound((supervisor: self, connection: connection), eventLoop: loop)
        let task = Task { [loop] in
            var trouble: RedisTrouble?
            do {
                try await setup(commands)
            } catch {
                trouble =
                    (error as? RedisTrouble)
                    ?? RedisTrouble(.setup, "Redis could not be set up: \(RedisTrouble.shown("\(error)"))")
            }
            loop.execute { [trouble] in
                let (supervisor, connection) = bound.value
                supervisor.wasSetUp(connection, facts, trouble)
            }
        }
        state = .settingUp(connection, task)
    }

    private func wasSetUp(_ connection: RedisConnection, _ facts: Handshake.Facts, _ trouble: RedisTrouble?) {
        guard case .settingUp(let current, _) = state, current === connection else { return }
        if let trouble { return connection.close(trouble) }
        becameUp(connection, facts)
    }

    private func becameUp(_ connection: RedisConnection, _ facts: Handshake.Facts) {
        deadline?.cancel()
        generation += 1
        let session = RedisSession(
            generation: generation,
            endpoint: endpoint,
            runID: facts.runID,
            version: facts.version,
            since: configuration.time.monotonic()
        )
        state = .up(connection, session)
        upSince = .now()
        use = finder?.use(endpoint) { self.reconnect(because: $0) }
        owner.up(session, connection)
    }

    // MARK: Ends

    private func retired(_ connection: RedisConnection, _ trouble: RedisTrouble) {
        guard case .up(let current, _) = state, current === connection else { return }
        state = .leaving(connection)
        leaveMaster()
        owner.leaving(trouble)
        owner.down(trouble)
    }

    private func leaveMaster() {
        if let use { finder?.leave(use) }
        use = nil
    }

    private func ending(_ connection: RedisConnection, _ trouble: RedisTrouble) {
        guard case .up(let current, _) = state, current === connection else { return }
        leaveMaster()
        owner.leaving(trouble)
    }

    private func ended(_ connection: RedisConnection, _ trouble: RedisTrouble) {
        switch state {
        case .up(let current, _) where current === connection:
            tryAgain()
            owner.down(trouble)
        case .leaving(let current) where current === connection:
            tryAgain()
        case .settingUp(let current, let task) where current === connection:
            task.cancel()
            masterFailed(trouble)
        case .greeting(let current, _) where current === connection:
            masterFailed(trouble)
        default: break
        }
    }

    /// What is there, or is not, is no master that can be used.
    private func masterFailed(_ trouble: RedisTrouble) {
        guard let finder else { return attemptFailed(trouble) }
        finder.passOver(endpoint)
        attemptFailed(RedisTrouble(trouble.kind, "the master by the sentinels, \(endpoint): \(trouble)"))
    }

    private func attemptFailed(_ trouble: RedisTrouble) {
        tryAgain()
        owner.failed(trouble)
    }

    private func tryAgain() {
        deadline?.cancel()
        // One that has served is worth an attempt at once.
        if let upSince, NIODeadline.now() - upSince > TimeAmount(configuration.longestBackOff * 2) { backOff.reset() }
        upSince = nil
        let delay = backOff.next(random: .random(in: 0...1))
        let next = loop.assumeIsolated().scheduleTask(in: TimeAmount(delay)) {
            if case .waiting = self.state { self.connect() }
        }
        state = .waiting(next)
    }
}
