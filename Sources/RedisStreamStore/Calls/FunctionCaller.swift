import Locks
import StreamCore

/// Calls the functions over one connection, and says what came of it in the words of a store.
@available(freshet 0.1, *)
final class FunctionCaller: Sendable {
    /// What it means for a call that its answer did not come.
    enum Effect: Sendable {
        /// It changes nothing, so that nothing was changed.
        case reads
        /// It may have been done.
        case writes
    }

    let link: RedisLink
    private let patience: Duration
    private let count: ActivityCount
    private let loading = Mutex<Task<Void, any Error>?>(nil)

    init(_ link: RedisLink, patience: Duration, count: ActivityCount) {
        self.link = link
        self.patience = patience
        self.count = count
    }

    /// Puts the functions there, unless those of this version or of a later one are.
    static func load(over commands: any RedisCommands) async throws {
        var question = RedisCommand("FCALL_RO")
        question.add("freshet1_revision")
        question.add(0)
        do throws(RedisFailure) {
            if let revision = try await commands.send(question).integer, revision >= Int64(FunctionLibrary.revision) {
                return
            }
        } catch {
            guard error.isMissingFunction else { throw error }
        }
        var command = RedisCommand("FUNCTION", reserving: FunctionLibrary.source.count + 64)
        command.add("LOAD")
        command.add("REPLACE")
        command.add(FunctionLibrary.source)
        _ = try await commands.send(command)
    }

    var isUp: Bool { link.session != nil }

    /// The number of the connection that there is.
    var connection: UInt64? { link.session?.generation }

    /// Calls without a task. Where there is no connection it fails at once.
    func begin(
        _ call: FunctionCall,
        _ effect: Effect,
        told: @escaping @Sendable (Result<Reply, StoreError>) -> Void
    ) {
        let began = count.now
        link.begin(call.command) { [self] result in
            count.replied(1, since: began)
            if case .failure(let failure) = result, failure.isMissingFunction {
                Task { told(await callAgain(call, effect)) }
            } else {
                // Called on the loop, where the connection that has answered is still the one that there is, or is none.
                told(Self.reply(result, effect, over: connection))
            }
        }
    }

    /// Calls, and waits for the connection for a moment where there is none.
    func call(_ call: FunctionCall, _ effect: Effect) async throws(StoreError) -> Reply {
        try await self.call([call], effect)[0].get()
    }

    /// Calls one after the other, which is no transaction; fails as a whole only where nothing was sent.
    func call(_ calls: [FunctionCall], _ effect: Effect) async throws(StoreError) -> [Result<Reply, StoreError>] {
        try await awaitLink()
        let began = count.now
        // If it is lost before this is sent, what comes over the next one is taken for less than it is.
        let connection = connection
        let results = await link.pipeline(calls.map(\.command))
        count.replied(calls.count, since: began)
        if results.contains(where: { if case .failure(let failure) = $0 { failure.isMissingFunction } else { false } })
        {
            try await load()
            var replies: [Result<Reply, StoreError>] = []
            for (call, result) in zip(calls, results) {
                if case .failure(let failure) = result, failure.isMissingFunction {
                    replies.append(Self.reply(await link.pipeline([call.command])[0], effect, over: connection))
                } else {
                    replies.append(Self.reply(result, effect, over: connection))
                }
            }
            return replies
        }
        return results.map { Self.reply($0, effect, over: connection) }
    }

    /// Sends commands of Redis's own.
    func send(_ commands: [RedisCommand], _ effect: Effect) async throws(StoreError) -> [RESPValue] {
        try await awaitLink()
        var values: [RESPValue] = []
        let began = count.now
        let results = await link.pipeline(commands)
        count.replied(commands.count, since: began)
        for result in results {
            do throws(RedisFailure) {
                values.append(try result.get())
            } catch {
                throw StoreError(error, effect)
            }
        }
        return values
    }

    /// Waits for the connection for a moment, where there is none.
    func awaitLink() async throws(StoreError) {
        guard link.session == nil else { return }
        do throws(RedisTrouble) {
            _ = try await link.up(within: patience)
        } catch {
            throw .unavailable(error.description)
        }
    }

    private func callAgain(_ call: FunctionCall, _ effect: Effect) async -> Result<Reply, StoreError> {
        do throws(StoreError) {
            try await load()
            let connection = connection
            return Self.reply(await link.pipeline([call.command])[0], effect, over: connection)
        } catch {
            return .failure(error)
        }
    }

    /// Somebody took the functions away (`FUNCTION FLUSH`). Those who miss them load them once.
    private func load() async throws(StoreError) {
        let task = loading.withLock { loading in
            let task = loading ?? Task { [link] in try await Self.load(over: link) }
            loading = task
            return task
        }
        let result = await task.result
        loading.withLock { if $0 == task { $0 = nil } }
        if case .failure(let error) = result { throw .unavailable("The functions cannot be loaded: \(error)") }
    }

    private static func reply(
        _ result: Result<RESPValue, RedisFailure>,
        _ effect: Effect,
        over connection: UInt64?
    ) -> Result<Reply, StoreError> {
        switch result {
        case .success(let value): .success(Reply(value, over: connection))
        case .failure(let failure): .failure(StoreError(failure, effect))
        }
    }
}

@available(freshet 0.1, *)
extension RedisFailure {
    /// The functions are not there.
    fileprivate var isMissingFunction: Bool {
        guard case .refused(let error) = self else { return false }
        return error.code == "ERR" && error.message.hasPrefix("Function not found")
    }
}

@available(freshet 0.1, *)
extension StoreError {
    /// A reply that is not as the contract of the functions says.
    static let damagedReply = StoreError.damaged("Redis gave a reply that this version does not know.")

    init(_ failure: RedisFailure, _ effect: FunctionCaller.Effect) {
        switch failure {
        case .notSent(let why): self = .unavailable(why)
        case .lost(let why): self = effect == .reads ? .unavailable(why) : .outcomeUnknown(why)
        case .refused(let error):
            switch error.code {
            case "OOM": self = .full(.bytes)
            case "FRESHET_DAMAGED": self = .damaged(error.message)
            // NOREPLICAS, READONLY, LOADING, MASTERDOWN, CLUSTERDOWN, MISCONF, NOPERM and whatever else Redis says when
            // it does nothing.
            default: self = .unavailable("Redis refused: \(error.code) \(error.message)")
            }
        }
    }
}
