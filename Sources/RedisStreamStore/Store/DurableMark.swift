import Locks
import StreamCore

/// Sees to it that what was kept is with as many replicas as are asked for, and then makes it visible.
///
/// `WAIT` holds up the connection that asks until the replicas have what was written over it before. Whoever comes meanwhile
/// waits for the next one: so one round serves all that were kept during the one before. What is covered is confirmed, which
/// raises the mark of its stream up to which everybody reads, and publishes what lies between.
///
/// `WAIT` says nothing of what another master was told. What was kept over a connection that is lost since, perhaps to a master
/// that is none any more, is not known to be anywhere: it is not acknowledged. Who repeats it learns whether it is there.
///
/// A node that dies in between leaves what it kept unconfirmed. The name of the stream stands in a set from before the append
/// until after that, so that any other node finds it within a second and does the rest (`RedisStreamStore.heal`).
@available(freshet 0.1, *)
final class DurableMark: Sendable {
    private struct Waiting {
        /// Nil waits for everything and confirms nothing.
        var stream: (name: StreamName, mark: Offset)?
        /// The connection over which it was kept.
        var connection: UInt64?
        var told: @Sendable (Result<Void, StoreError>) -> Void
    }

    private struct State {
        var waiting: [Waiting] = []
        var isAsking = false
        /// How many calls to a stream are under way that may leave it unconfirmed.
        var noted: [StreamName: Int] = [:]
    }

    private let state = Mutex(State())
    private let caller: FunctionCaller
    private let keys: StreamKeys
    private let replicas: Int
    private let timeout: Duration
    private let clock: (@Sendable () -> UInt64)?
    private let trimmed: @Sendable (StreamName, Offset, Int, Int) -> Void

    /// - Parameter trimmed: told of what retention took when something was confirmed: the floor, and how many events and
    ///   bytes.
    init(
        _ caller: FunctionCaller,
        _ configuration: RedisStoreConfiguration,
        _ keys: StreamKeys,
        trimmed: @escaping @Sendable (StreamName, Offset, Int, Int) -> Void
    ) {
        self.trimmed = trimmed
        self.caller = caller
        self.keys = keys
        replicas = configuration.replicas
        timeout = configuration.replicaTimeout
        clock = configuration.serverClock
    }

    /// Before a call that may leave the stream unconfirmed.
    func note(_ name: StreamName) {
        state.withLock { state in
            state.noted[name, default: 0] += 1
            // Under the lock, so that it is sent before or after what `leave` sends, as it was decided.
            if state.noted[name] == 1 { caller.link.begin(setCommand("SADD", name)) { _ in } }
        }
    }

    /// After it.
    ///
    /// - Parameter isConfirmed: nothing was left unconfirmed. Where it is not known, whoever looks next finds out.
    func leave(_ name: StreamName, isConfirmed: Bool) {
        state.withLock { state in
            guard let count = state.noted[name] else { return }
            state.noted[name] = count > 1 ? count - 1 : nil
            if count == 1, isConfirmed { caller.link.begin(setCommand("SREM", name)) { _ in } }
        }
    }

    /// Nothing of the stream is unconfirmed, as it was found.
    func forget(_ name: StreamName) {
        state.withLock { state in
            if state.noted[name] == nil { caller.link.begin(setCommand("SREM", name)) { _ in } }
        }
    }

    /// Whether a call of this node is under way to the stream.
    func isNoted(_ name: StreamName) -> Bool { state.withLock { $0.noted[name] != nil } }

    private func setCommand(_ command: String, _ name: StreamName) -> RedisCommand {
        var command = RedisCommand(command)
        command.add(keys.unconfirmed(name.unconfirmedShard))
        command.add(name.text)
        return command
    }

    /// Confirms a stream up to a mark that was kept before this is called.
    ///
    /// - Parameter connection: over which that was told.
    func cover(
        _ name: StreamName,
        _ mark: Offset,
        over connection: UInt64?,
        told: @escaping @Sendable (Result<Void, StoreError>) -> Void
    ) {
        enqueue(Waiting(stream: (name, mark), connection: connection, told: told))
    }

    func cover(_ name: StreamName, _ mark: Offset, over connection: UInt64?) async throws(StoreError) {
        try await withCheckedContinuation { continuation in
            cover(name, mark, over: connection) { continuation.resume(returning: $0) }
        }.get()
    }

    /// Returns when the replicas have what was kept before.
    func wait() async throws(StoreError) {
        try await withCheckedContinuation { continuation in
            enqueue(Waiting(stream: nil, connection: caller.connection) { continuation.resume(returning: $0) })
        }.get()
    }

    private func enqueue(_ waiting: Waiting) {
        let asks = state.withLock { state in
            state.waiting.append(waiting)
            defer { state.isAsking = true }
            return !state.isAsking
        }
        if asks { ask() }
    }

    private func ask() {
        let all = state.withLock { state -> [Waiting] in
            defer { state.waiting = [] }
            if state.waiting.isEmpty { state.isAsking = false }
            return state.waiting
        }
        guard !all.isEmpty else { return }
        guard replicas > 0 else {
            confirm(all)
            return ask()
        }
        let connection = caller.connection
        let asked = all.filter { $0.connection == connection }
        for waiting in all where waiting.connection != connection {
            waiting.told(.failure(.outcomeUnknown("The connection to Redis was lost before its replicas had it.")))
        }
        guard let connection, !asked.isEmpty else {
            for waiting in asked { waiting.told(.failure(.outcomeUnknown("The connection to Redis is lost."))) }
            return ask()
        }
        // `WAIT` counts what this connection wrote last, which may have been before others wrote what is confirmed here.
        var write = RedisCommand("SET")
        write.add(keys.written)
        write.add("1")
        var wait = RedisCommand("WAIT")
        wait.add(replicas)
        wait.add(Int(timeout / .milliseconds(1)))
        caller.link.begin([write, wait], over: connection) { [self] results in
            let failure = failure(of: results[1])
            if let failure {
                for waiting in asked { waiting.told(.failure(failure)) }
            } else {
                confirm(asked)
            }
            ask()
        }
    }

    private func failure(of result: Result<RESPValue, RedisFailure>) -> StoreError? {
        switch result {
        case .failure(let failure):
            // It was kept before: whether it will be seen is not known.
            return .outcomeUnknown(StoreError(failure, .writes).why)
        case .success(let value):
            guard let count = value.integer, count >= Int64(replicas) else {
                return .outcomeUnknown("\(value.integer ?? 0) of \(replicas) replicas have it.")
            }
            return nil
        }
    }

    private func confirm(_ all: [Waiting]) {
        // One call a stream, up to the last of its marks.
        var streams: [StreamName: (mark: Offset, told: [@Sendable (Result<Void, StoreError>) -> Void])] = [:]
        var order: [StreamName] = []
        for waiting in all {
            guard let (name, mark) = waiting.stream else {
                waiting.told(.success(()))
                continue
            }
            if streams[name] == nil { order.append(name) }
            let before = streams[name] ?? (mark, [])
            streams[name] = (max(before.mark, mark), before.told + [waiting.told])
        }
        for name in order {
            guard let (mark, told) = streams[name] else { continue }
            var call = FunctionCall("freshet1_confirm", base: keys.base(of: name), [":m", ":s"], at: clock?())
            call.add(mark)
            caller.begin(call, .writes) { [trimmed] result in
                // It may be gone meanwhile: what it came to before stands.
                for told in told { told(result.map { _ in }) }
                if let reply = try? result.get(), reply.word == "confirmed", let floor = try? reply.optionalOffset(2),
                    let events = try? reply.integer(3), let bytes = try? reply.integer(4)
                {
                    trimmed(name, floor, events, bytes)
                }
            }
        }
    }
}

@available(freshet 0.1, *)
extension StoreError {
    fileprivate var why: String {
        switch self {
        case .unavailable(let why), .outcomeUnknown(let why), .damaged(let why): why
        case .full(let bound): "The store is full: \(bound.rawValue)."
        case .ownerFull: "The owner's streams are full."
        }
    }
}
