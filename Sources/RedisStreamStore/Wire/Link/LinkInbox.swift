import Locks

/// What is handed to a link from any thread, until its event loop takes it: one lock for all that arrives in one turn of
/// the loop, and one more when replies have come.
@available(freshet 0.1, *)
final class LinkInbox: Sendable {
    enum Submission {
        case one(RedisCommand, told: @Sendable (Result<RESPValue, RedisFailure>) -> Void)
        case pipeline([RedisCommand], told: @Sendable ([Result<RESPValue, RedisFailure>]) -> Void)

        /// What it counts against the bound: each command with what it costs to wait for it.
        var bytes: Int {
            switch self {
            case .one(let command, _): Self.bytes(command)
            case .pipeline(let commands, _): commands.reduce(0) { $0 + Self.bytes($1) }
            }
        }

        static func bytes(_ command: RedisCommand) -> Int { command.byteCount + 128 }

        func fail(_ failure: RedisFailure) {
            switch self {
            case .one(_, let told): told(.failure(failure))
            case .pipeline(let commands, let told): told(commands.map { _ in .failure(failure) })
            }
        }
    }

    typealias Waiter = @Sendable (Result<RedisSession, RedisTrouble>) -> Void

    enum Outcome {
        case refused(RedisFailure)
        /// The loop will take it anyway.
        case taken
        /// The loop is to be told.
        case first
    }

    fileprivate struct State {
        var link = RedisLinkState.down(nil)
        var submissions: [Submission] = []
        var bytesInFlight = 0
        var waiters: [UInt64: Waiter] = [:]
        var nextWaiter: UInt64 = 0
    }

    private let state = Mutex(State())
    private let limit: Int

    init(limit: Int) {
        self.limit = limit
    }

    var link: RedisLinkState { state.withLock { $0.link } }

    var bytesInFlight: Int { state.withLock { $0.bytesInFlight } }

    /// Takes a submission while the link is up, and while there is room.
    ///
    /// - Parameter generation: of the one connection over which it may be sent; nil for any.
    func add(_ submission: Submission, over generation: UInt64? = nil) -> Outcome {
        let bytes = submission.bytes
        return state.withLock { state in
            switch state.link {
            case .up(let session):
                if let generation, session.generation != generation {
                    return .refused(.notSent("the connection to Redis was lost, and is another now"))
                }
            case .closed: return .refused(.notSent("the connection to Redis is closed"))
            case .down(let trouble): return .refused(.notSent(trouble?.description ?? "Redis is not connected yet"))
            }
            // One alone may be larger than the bound.
            guard state.bytesInFlight == 0 || bytes <= limit - state.bytesInFlight else {
                return .refused(.notSent("too much is under way to Redis"))
            }
            state.bytesInFlight += bytes
            state.submissions.append(submission)
            return state.submissions.count == 1 ? .first : .taken
        }
    }

    /// Swaps what is there with an empty array.
    func take(into submissions: inout [Submission]) {
        state.withLock { swap(&$0.submissions, &submissions) }
    }

    func answered(_ bytes: Int) {
        state.withLock { $0.bytesInFlight -= bytes }
    }

    func becameUp(_ session: RedisSession) {
        let waiters = state.withLock { state in
            state.link = .up(session)
            return state.takeWaiters()
        }
        for waiter in waiters { waiter(.success(session)) }
    }

    /// The link is down, or still is.
    ///
    /// - Returns: What was not sent, and never is.
    func becameDown(_ trouble: RedisTrouble) -> [Submission] {
        let (unsent, waiters): ([Submission], [Waiter]) = state.withLock { state in
            if case .closed = state.link { return (state.takeSubmissions(), []) }
            state.link = .down(trouble)
            return (state.takeSubmissions(), trouble.isPermanent ? state.takeWaiters() : [])
        }
        for waiter in waiters { waiter(.failure(trouble)) }
        return unsent
    }

    func close(_ trouble: RedisTrouble) {
        let (unsent, waiters) = state.withLock { state in
            state.link = .closed
            return (state.takeSubmissions(), state.takeWaiters())
        }
        for submission in unsent { submission.fail(.notSent(trouble.description)) }
        for waiter in waiters { waiter(.failure(trouble)) }
    }

    /// Tells when the link is up, or that it will not be for now.
    ///
    /// - Returns: A number by which to give up waiting; nil where it is told already.
    func wait(_ told: @escaping Waiter) -> UInt64? {
        let (number, known): (UInt64?, Result<RedisSession, RedisTrouble>?) = state.withLock { state in
            switch state.link {
            case .up(let session): return (nil, .success(session))
            case .closed: return (nil, .failure(RedisTrouble(.stopped, "the connection to Redis is closed")))
            case .down(let trouble?) where trouble.isPermanent: return (nil, .failure(trouble))
            case .down:
                state.nextWaiter += 1
                state.waiters[state.nextWaiter] = told
                return (state.nextWaiter, nil)
            }
        }
        if let known { told(known) }
        return number
    }

    func giveUp(_ waiter: UInt64) {
        let (told, trouble): (Waiter?, RedisTrouble?) =
            state.withLock { state in
                if case .down(let trouble) = state.link { return (state.waiters.removeValue(forKey: waiter), trouble) }
                return (state.waiters.removeValue(forKey: waiter), nil)
            }
        told?(.failure(trouble ?? RedisTrouble(.timeout, "Redis is not connected yet")))
    }
}

@available(freshet 0.1, *)
extension LinkInbox.State {
    fileprivate mutating func takeSubmissions() -> [LinkInbox.Submission] {
        defer { submissions = [] }
        bytesInFlight -= submissions.reduce(0) { $0 + $1.bytes }
        return submissions
    }

    fileprivate mutating func takeWaiters() -> [LinkInbox.Waiter] {
        defer { waiters = [:] }
        return Array(waiters.values)
    }
}
