import Locks

/// Making room in a store that is full.
@available(freshet 0.1, *)
extension Streams {
    /// Runs what needs room in the store, making some where that may be done: expired data goes first, then ended
    /// streams of a configured age. Nothing unexpired is taken otherwise.
    func withRoom<Outcome: Sendable>(
        for events: EventBatch,
        _ body: () async throws(StoreError) -> Outcome
    ) async throws(StoreError) -> Outcome {
        do {
            return try await body()
        } catch {
            guard case .full = error else { throw error }
        }
        do {
            return try await makingRoom(for: events, body)
        } catch {
            if case .full = error { counts.withLock { $0.full += 1 } }
            throw error
        }
    }

    private func makingRoom<Outcome: Sendable>(
        for events: EventBatch,
        _ body: () async throws(StoreError) -> Outcome
    ) async throws(StoreError) -> Outcome {
        try await sweep()
        guard let age = configuration.endedAge else { return try await body() }
        do {
            return try await body()
        } catch {
            guard case .full = error else { throw error }
        }
        // With room for the stream itself: a create without events needs some too.
        let bytes = 2048 + events.size + events.count * 1024
        try await store.takeEnded(olderThan: age, toFit: bytes)
        return try await body()
    }
}
