import Locks

/// The bound on what the streams of one owner keep.
extension Streams {
    /// Runs an append, counted for the owner of the stream where it has one. Where there is no room for it, the store still
    /// says what else is wrong with it, or that it was kept before.
    func counting(
        _ request: AppendRequest,
        _ name: StreamName,
        _ body: (AppendRequest) async throws(StoreError) -> AppendOutcome
    ) async throws(StoreError) -> AppendOutcome {
        // An end is what lets a stream be taken later, and brings nothing.
        guard let owned, !request.events.isEmpty else { return try await body(request) }
        switch await room(in: owned, { owned.take(request.events.size, for: name) }) {
        case .room(nil): return try await body(request)
        case .room(let place?):
            defer { owned.giveBack(place) }
            let outcome = try await body(request)
            if case .appended = outcome, let info = try? await store.info(name) { owned.update(info) }
            return outcome
        case .noRoom:
            var withheld = request
            withheld.isWithheld = true
            let outcome = try await body(withheld)
            guard outcome == .withheld else { return outcome }
            throw refusal(owned)
        }
    }

    /// Runs a create, counted for the owner that it names. A stream that is there already is answered as ever.
    func counting(
        _ request: CreateRequest,
        _ name: StreamName,
        _ body: () async throws(StoreError) -> CreateOutcome
    ) async throws(StoreError) -> CreateOutcome {
        guard let owned, let owner = request.options.owner else { return try await body() }
        // What a fork copies is known when it is there. Until then it is as one byte, so that who has none left gets none.
        let bytes = max(request.events.size, request.fork == nil ? 0 : 1)
        guard bytes > 0, try await store.info(name) == nil else { return try await body() }
        guard case .room(let place) = await room(in: owned, { owned.take(bytes, of: owner) }) else {
            throw refusal(owned)
        }
        defer { if let place { owned.giveBack(place) } }
        let outcome = try await body()
        // Before the place is given back.
        if case .created(let info) = outcome { owned.begin(info) }
        return outcome
    }

    private func refusal(_ owned: OwnedBytes) -> StoreError {
        counts.withLock { $0.ownerFull += 1 }
        return .ownerFull(limit: owned.limit)
    }

    /// Takes a place, after another look at what the owner's streams keep where there seems to be none.
    private func room(in owned: OwnedBytes, _ take: () -> OwnedBytes.Admission) async -> OwnedBytes.Admission {
        let first = take()
        guard case .noRoom(let owner) = first else { return first }
        await lookAgain(at: owner, owned)
        return take()
    }

    private func lookAgain(at owner: String, _ owned: OwnedBytes) async {
        guard let streams = owned.toLookAt(of: owner) else { return }
        let began = time.monotonic()
        for (name, birth) in streams {
            do throws(StoreError) {
                try await settle(name)
                let info = try await store.info(name)
                if let info, info.birth == birth { owned.update(info) } else { owned.forget(name, born: birth) }
            } catch {
                // What cannot be looked at counts as it did.
                continue
            }
        }
        owned.looked(at: owner, took: time.monotonic() - began)
    }
}
