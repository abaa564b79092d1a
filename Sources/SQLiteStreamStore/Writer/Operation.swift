import StreamCore

/// What the writer is asked, and who is told the outcome.
@available(freshet 0.1, *)
enum Operation: Sendable {
    case create(StreamName, CreateRequest, Reply<CreateOutcome>)
    case append(StreamName, AppendRequest, Reply<AppendOutcome>)
    case setLease(StreamName, seconds: Int, Reply<Bool>)
    case producer(StreamName, opened: Bool, Reply<Void>)
    case remove(StreamName, Removal, born: Offset?, Reply<Offset?>)
    case trimByAge(Reply<Void>)
    case takeEnded(age: Duration, bytes: Int, Reply<Void>)
    case changeOutbox(Int64, OutboxChange, Reply<Bool>)
    case outboxEntries(after: Int64, limit: Int, Reply<[OutboxEntry]>)
    case outboxContent(Int64, Reply<EventRun?>)
    case touch(StreamName)
    case confirm(Reply<Void>)
    case close(Reply<Void>?)
}

/// Who waits for an outcome.
@available(freshet 0.1, *)
enum Reply<Value: Sendable>: Sendable {
    case task(CheckedContinuation<Result<Value, StoreError>, Never>)
    /// No task: it is called on the thread that sends, which it does not hold up.
    case function(@Sendable (Result<Value, StoreError>) -> Void)

    init(continuation: CheckedContinuation<Result<Value, StoreError>, Never>) { self = .task(continuation) }

    func send(_ result: Result<Value, StoreError>) {
        switch self {
        case .task(let continuation): continuation.resume(returning: result)
        case .function(let tell): tell(result)
        }
    }
}

/// An outcome that may be told once the commit it was decided in is kept.
@available(freshet 0.1, *)
enum PendingReply {
    case create(Reply<CreateOutcome>, CreateOutcome)
    case append(Reply<AppendOutcome>, AppendOutcome)
    case flag(Reply<Bool>, Bool)
    case removed(Reply<Offset?>, Offset?)
    case done(Reply<Void>)
    /// It asks for nothing but what was kept before.
    case confirmation(Reply<Void>)

    func succeed() {
        switch self {
        case .create(let reply, let outcome): reply.send(.success(outcome))
        case .append(let reply, let outcome): reply.send(.success(outcome))
        case .flag(let reply, let flag): reply.send(.success(flag))
        case .removed(let reply, let birth): reply.send(.success(birth))
        case .done(let reply), .confirmation(let reply): reply.send(.success(()))
        }
    }

    func fail(_ error: StoreError) {
        switch self {
        case .create(let reply, _): reply.send(.failure(error))
        case .append(let reply, _): reply.send(.failure(error))
        case .flag(let reply, _): reply.send(.failure(error))
        case .removed(let reply, _): reply.send(.failure(error))
        case .done(let reply), .confirmation(let reply): reply.send(.failure(error))
        }
    }
}
