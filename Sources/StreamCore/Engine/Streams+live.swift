import Locks

/// Live requests: who appends while a request is open, and who has lost the right to.
extension Streams {
    /// Opens a live request to a stream that exists. `onStop` is called once, on any thread, when it can append no
    /// more although it is still open. An older request of the same label has lost its right to append on return.
    package func openLive(
        _ name: StreamName,
        label: String?,
        onStop: @escaping @Sendable (LiveStop) -> Void
    ) async throws(StoreError) -> LiveProducer? {
        try await enter(name) { $0.live += 1 }
        let producer = LiveProducer(name: name, label: label, streams: self, onStop: onStop)
        hub.follow(name, producer)
        do throws(StoreError) {
            guard let info = try await store.info(name) else {
                leave(producer)
                return nil
            }
            lifetimes.updateIfPresent(name) { lifetime, _ in
                lifetime.exists = true
                lifetime.birth = lifetime.birth ?? info.birth
            }
            producer.opened(info)
            if let end = info.end {
                producer.stop(because: .ended(end))
            } else if info.options.leaseSeconds == nil, configuration.tornLeaseSeconds > 0 {
                // Should this process die before the request ends, the next one knows that it was torn.
                try await store.liveOpened(name)
                producer.noteKept()
            }
        } catch {
            leave(producer)
            throw error
        }
        if let label {
            let older = labelled.withLock { labelled in
                let older = labelled[LiveKey(name: name, label: label), default: []]
                labelled[LiveKey(name: name, label: label)] = older + [producer]
                return older
            }
            // Every one of them, not only the last: who is taking over from another may not have done so yet.
            for producer in older { await producer.supersede() }
        }
        return producer
    }

    func closeLive(_ producer: LiveProducer, isTorn: Bool) async {
        if let label = producer.label {
            let key = LiveKey(name: producer.name, label: label)
            labelled.withLock { labelled in
                labelled[key]?.removeAll { $0 === producer }
                if labelled[key]?.isEmpty == true { labelled[key] = nil }
            }
        }
        let lease = configuration.tornLeaseSeconds
        // A request that was replaced or told of the end leaves nothing open behind it.
        if isTorn, producer.stop == nil, lease > 0, lifetimes.lifetime(of: producer.name)?.lease == nil {
            // A store that cannot keep the lease now is no reason to leave a spinner: this node holds it all the same.
            let isOpen = (try? await store.setLease(producer.name, seconds: lease)) ?? true
            if isOpen {
                lifetimes.updateIfPresent(producer.name) {
                    $0.lease = .seconds(lease); $0.leaseStart = $1
                }
            }
        }
        leave(producer)
        // A note that cannot be taken back now costs the stream at most a lease after a crash.
        if producer.isKept { try? await store.liveClosed(producer.name) }
    }

    private func leave(_ producer: LiveProducer) {
        hub.unfollow(producer.name, producer)
        lifetimes.updateIfPresent(producer.name) { lifetime, now in
            lifetime.live -= 1
            lifetime.touched = now
            if lifetime.live == 0 { lifetime.leaseStart = now }
        }
    }
}
