import Locks

/// What time does to streams: leases that run out, lives that end, and both again after a restart.
@available(freshet 0.1, *)
extension Streams {
    /// Does what has become due: ends abandoned streams, takes expired ones, trims by age. Call it a few times a
    /// second; what is due for a stream that is being used is done on use. A store that is shared does it itself.
    package func sweep() async throws(StoreError) {
        var failure: StoreError?
        var failed: [StreamName] = []
        while let streams = lifetimes.takeDue(looks: 128) {
            for (name, due) in streams {
                do throws(StoreError) {
                    try await act(on: due, name)
                } catch {
                    failed.append(name)
                    failure = error
                }
            }
        }
        // Due they stay: back into the queue for the next sweep.
        for name in failed { lifetimes.updateIfPresent(name) { _, _ in } }
        if let failure { throw failure }
        try await store.trimByAge()
    }

    /// Takes up the leases and lifetimes of the streams a durable store holds: every open lease starts again in full,
    /// and a stream whose streaming append died with the process before gets the lease of a torn one. Of a store that
    /// is shared there is nothing to take up: the store keeps the lifetimes, and other nodes are at work.
    package func resume() async throws(StoreError) {
        guard shared == nil else { return }
        var last: String?
        while true {
            let page = try await store.kept(after: last, limit: 1000)
            for var stream in page {
                if stream.hadOpenProducer, let lease = try await leaveLease(stream.info) {
                    stream.info.options.leaseSeconds = lease
                }
                begin(stream)
            }
            guard let next = page.last else { return }
            last = next.info.name.text
        }
    }

    /// Gives a stream whose streaming append is gone the lease of a torn one, if it has none.
    private func leaveLease(_ info: StreamInfo) async throws(StoreError) -> Int? {
        let lease = configuration.tornLeaseSeconds
        guard lease > 0, info.end == nil, info.options.leaseSeconds == nil else { return nil }
        return try await store.setLease(info.name, seconds: lease) ? lease : nil
    }

    func begin(_ kept: KeptStream) {
        owned?.begin(kept.info)
        lifetimes.know(kept)
    }

    /// The stream that was born there is gone.
    func forget(_ name: StreamName, born birth: Offset?) {
        lifetimes.forget(name, born: birth)
        if let birth { owned?.forget(name, born: birth) }
    }

    /// Does what is due for one stream before it is used.
    func settle(_ name: StreamName) async throws(StoreError) {
        let due = lifetimes.due(name)
        if due != .nothing { _ = try await actIfThereIsRoom(on: due, name) }
    }

    /// What is due on a disk that is full waits for room: until then the stream is used as it is. False when it waits.
    private func actIfThereIsRoom(on due: Lifetime.Due, _ name: StreamName) async throws(StoreError) -> Bool {
        do {
            try await act(on: due, name)
            return true
        } catch {
            guard case .full = error else { throw error }
            return false
        }
    }

    /// Does what is due, and counts somebody in at the same moment at which nothing is: whoever is counted in before a
    /// lease or a time to live runs out holds it off, and whoever comes after finds the stream ended or gone.
    func enter(_ name: StreamName, _ count: (inout Lifetime) -> Void) async throws(StoreError) {
        while case let due = lifetimes.updateUnlessDue(name, count), due != .nothing {
            guard try await actIfThereIsRoom(on: due, name) else {
                return lifetimes.updateIfPresent(name) { lifetime, _ in count(&lifetime) }
            }
        }
    }

    private func act(on due: Lifetime.Due, _ name: StreamName) async throws(StoreError) {
        switch due {
        case .nothing: break
        case .tell:
            if let lookUps { return lookUps.tell(name) }
            store.touch(name)
            lifetimes.updateIfPresent(name) { lifetime, now in lifetime.timeToLive.told = now }
        case .expire(let birth):
            if try await store.remove(name, because: .expired, born: birth) != nil {
                counts.withLock { $0.removals[.expired, default: 0] += 1 }
            }
            forget(name, born: birth)
        case .abandon(let silence, let birth):
            let detail = "The producer was silent for \(silence.components.seconds) s."
            let end = AppendRequest(to: birth, end: EndRequest(.abandoned, detail: detail))
            let outcome = try await store.append(name, end)
            if case .notFound = outcome { return forget(name, born: birth) }
            counts.withLock { $0.count(outcome, of: end) }
            lifetimes.updateIfPresent(name) { lifetime, _ in if lifetime.birth == birth { lifetime.hasEnded = true } }
        }
    }
}
