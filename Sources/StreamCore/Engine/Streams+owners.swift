import Locks

/// The bound on what the streams of one owner keep.
@available(freshet 0.1, *)
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
        _ body: (CreateRequest) async throws(StoreError) -> CreateOutcome
    ) async throws(StoreError) -> CreateOutcome {
        guard let owned, let owner = request.options.owner else { return try await body(request) }
        var request = request
        var bytes = request.events.size
        // A fork copies all of its source at most. How much it is from where to where, the store alone knows.
        if let source = request.fork?.source { bytes += try await store.info(source)?.bytes ?? 0 }
        guard bytes > 0 || request.fork != nil, try await store.info(name) == nil else {
            return try await body(request)
        }
        while true {
            var place: OwnedBytes.Place?
            var allowed = 0
            if case .room(let found) = await room(in: owned, { owned.take(bytes, of: owner) }) {
                (place, allowed) = (found, bytes)
            } else if request.fork == nil {
                throw refusal(owned)
            }
            defer { if let place { owned.giveBack(place) } }
            request.fork?.mostBytes = allowed
            let outcome = try await body(request)
            // Before the place is given back.
            if case .created(let info) = outcome { owned.begin(info) }
            guard case .forkRefused(.tooLarge(let wanted)) = outcome else { return outcome }
            // The source has grown since it was looked at, or less than all of it is wanted: then there may be room.
            guard place != nil || wanted < bytes else { throw refusal(owned) }
            bytes = wanted
        }
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

    /// A stream of an owner was created. Where other nodes take streams, without this one being told, those that are gone
    /// are forgotten now and then.
    func tidy(_ owner: String?) async {
        guard shared != nil, let owned, let owner, owned.hasGrown(owner) else { return }
        await lookAgain(at: owner, owned)
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
