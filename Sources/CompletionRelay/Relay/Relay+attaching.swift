import StreamCore
import StreamHTTP

/// What a call comes to whose key has begun an answer before: in this process, in the one before it, or at another node.
@available(freshet 0.1, *)
extension Relay {
    /// What a key's record says; nil when there is none.
    func find(_ record: StreamName) async throws(StoreError) -> FoundCall? {
        guard let page = try await streams.read(record, from: .start, limit: PageLimit(bytes: 64 << 20)),
            let first = page.events.first, let found = IdempotencyRecord(first.body)
        else { return nil }
        var refusal = IdempotencyRecord.response(from: page.events.dropFirst().map(\.body)[...])
        // Another version may have kept more of it than this one tells.
        if let kept = refusal?.headers { refusal?.headers = configuration.responseFields.ofPassed(kept) }
        return FoundCall(record: found, refusal: refusal)
    }

    func remembered(_ call: AnswerCall, _ hash: String) async -> Begun {
        await call.over.opened()
        guard let record = call.record, let found = try? await find(record) else {
            return .response(Response(.relayStore))
        }
        return attach(to: found, hash)
    }

    private func attach(to found: FoundCall, _ hash: String) -> Begun {
        guard found.record.bodyHash == hash else { return .response(Response(.differentBody)) }
        count { $0.attached += 1 }
        if var refusal = found.refusal {
            // The key finds it however often it is tried.
            if refusal.status >= 400 { refusal.sayFinal() }
            return .response(refusal)
        }
        return .stream(found.record.answer, found.record.format, configuration.responseFields.ofStream([]), nil)
    }

    // MARK: Another node's call

    /// Attaches to a call that no caller of this process has begun. Another node may be at it: then when it is known how it
    /// began, or a head is due.
    func attach(to found: FoundCall, _ record: StreamName?, _ hash: String, _ early: Duration) async -> Begun {
        guard streams.isShared, let record, found.refusal == nil, found.record.bodyHash == hash else {
            return attach(to: found, hash)
        }
        return await withTaskGroup(of: Begun?.self) { group in
            defer { group.cancelAll() }
            group.addTask { await self.begun(found, record, hash) }
            if early > .zero {
                group.addTask {
                    try? await self.clock.sleep(for: early)
                    return Task.isCancelled ? nil : self.attach(to: found, hash)
                }
            }
            for await begun in group { if let begun { return begun } }
            // Whoever asked has left, and nobody is told this.
            return .response(Response(499))
        }
    }

    /// What an answer came to, wherever it is written, as soon as it has come to something; nil where whoever waits is
    /// cancelled before.
    private func begun(_ found: FoundCall, _ record: StreamName, _ hash: String) async -> Begun? {
        let changes = StreamChanges()
        streams.follow(found.record.answer, changes)
        defer { streams.unfollow(found.record.answer, changes) }
        do throws(StoreError) {
            repeat {
                // Waits as long as an answer waits that is written: while the store is away it comes to nothing.
                let begun = try await streams.persisting(for: configuration.storePatience, on: clock) {
                    () throws(StoreError) in try await comeTo(found, record, hash)
                }
                if let begun { return begun }
            } while await changes.next()
            return nil
        } catch {
            return Task.isCancelled ? nil : .response(Response(.relayStore))
        }
    }

    /// Nil while it is not known. What is no stream stands in the record before the answer ends; what was stopped by
    /// somebody else, or with its node, stands nowhere but in the end.
    private func comeTo(
        _ found: FoundCall,
        _ record: StreamName,
        _ hash: String
    ) async throws(StoreError) -> Begun? {
        let answer = try await streams.info(found.record.answer)
        if let answer, answer.end == nil, answer.tail == answer.birth { return nil }
        // One that is gone by now has freed the key, and its failure is told in the stream.
        let latest = try await find(record) ?? found
        guard latest.record == found.record, latest.refusal == nil, let end = answer?.end, answer?.tail == answer?.birth
        else { return attach(to: latest, hash) }
        let problem: Problem
        switch end.reason {
        case .cancelled: problem = .stoppedBeforeFirstByte
        case .failed where end.detail == StreamClaim.interruption.detail: problem = .interruptedBeforeFirstByte
        case .abandoned: problem = .interruptedBeforeFirstByte
        case .done, .failed: return attach(to: latest, hash)
        }
        count { $0.attached += 1 }
        var response = Response(problem).shaped(in: ProviderErrorForm(found.record.format))
        response.sayFinal()
        return .response(response)
    }
}

/// Tells one who looks at a stream that it is time to look again.
@available(freshet 0.1, *)
private final class StreamChanges: TailListener {
    private let changes: AsyncStream<Void>
    private let change: AsyncStream<Void>.Continuation

    init() { (changes, change) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1)) }

    func signal(_ signal: StreamSignal, of name: StreamName) {}

    func wake() { change.yield() }

    /// Returns when something has happened since the last return; false when the task is cancelled.
    func next() async -> Bool {
        var iterator = changes.makeAsyncIterator()
        return await iterator.next() != nil
    }
}
