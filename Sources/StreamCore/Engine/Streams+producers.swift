import Locks

/// Streaming appends: who appends while a request is open, and who has lost the right to.
@available(freshet 0.1, *)
extension Streams {
    /// Opens a streaming append to a stream that exists. An older request of the same label has lost its right to
    /// append on return.
    ///
    /// - Parameters:
    ///   - kind: what the request is, where the store is shared.
    ///   - lease: the length in seconds of the stream's lease from now on; nil leaves it.
    ///   - mayOpen: looks at the stream as it is before anything is changed; false opens nothing.
    ///   - onStop: called once, on any thread, when the request can append no more although it is still open.
    /// - Returns: nil where there is no such stream, or where it may not be opened.
    package func openProducer(
        _ name: StreamName,
        label: String?,
        kind: StreamClaim.Kind = .streamingAppend,
        lease: Int? = nil,
        mayOpen: (StreamInfo) -> Bool = { _ in true },
        onStop: @escaping @Sendable (ProducerStop) -> Void
    ) async throws(StoreError) -> StreamingProducer? {
        try await enter(name) { $0.openProducers += 1 }
        counts.withLock { $0.openProducers += 1 }
        let producer = StreamingProducer(name: name, label: label, streams: self, onStop: onStop)
        hub.follow(name, producer)
        producer.willLook()
        do throws(StoreError) {
            guard var info = try await store.info(name), mayOpen(info) else {
                leave(producer, wasOpen: false)
                return nil
            }
            if let shared {
                try await claim(info, for: producer, kind, lease: lease, in: shared)
                return producer
            }
            var renewed: Int?
            // Where it ended or went meanwhile the producer is told.
            if let lease, info.end == nil, try await store.setLease(name, seconds: lease) {
                renewed = lease
                info.options.leaseSeconds = lease
            }
            lifetimes.updateIfPresent(name) { [renewed] lifetime, _ in
                lifetime.exists = true
                lifetime.birth = lifetime.birth ?? info.birth
                if let renewed, lifetime.birth == info.birth { lifetime.lease.length = .seconds(renewed) }
            }
            producer.opened(info)
            if let end = info.end {
                producer.stop(because: .ended(end))
            } else if info.options.leaseSeconds == nil, configuration.tornLeaseSeconds > 0 {
                // Should this process die before the request ends, the next one knows that it was torn.
                try await store.producerOpened(name)
                producer.noteKept()
            }
        } catch {
            leave(producer)
            throw error
        }
        if let label {
            let older = labelled.withLock { labelled in
                let older = labelled[ProducerKey(name: name, label: label), default: []]
                labelled[ProducerKey(name: name, label: label)] = older + [producer]
                return older
            }
            // Every one of them, not only the last: who is taking over from another may not have done so yet.
            for producer in older { await producer.supersede() }
        }
        return producer
    }

    func closeProducer(_ producer: StreamingProducer, isTorn: Bool) async {
        if let shared {
            leave(producer)
            guard let claim = producer.claim, producer.stop != .superseded else { return }
            return await shared.release(claim, of: producer.name, isTorn: isTorn && producer.stop == nil)
        }
        if let label = producer.label {
            let key = ProducerKey(name: producer.name, label: label)
            labelled.withLock { labelled in
                labelled[key]?.removeAll { $0 === producer }
                if labelled[key]?.isEmpty == true { labelled[key] = nil }
            }
        }
        let lease = configuration.tornLeaseSeconds
        // A request that was replaced or told of the end leaves nothing open behind it.
        if isTorn, producer.stop == nil, lease > 0, lifetimes.lifetime(of: producer.name)?.lease.length == nil {
            // A store that cannot keep the lease now is no reason to leave a spinner: this node holds it all the same.
            let isOpen = (try? await store.setLease(producer.name, seconds: lease)) ?? true
            if isOpen {
                lifetimes.updateIfPresent(producer.name) {
                    $0.lease.length = .seconds(lease); $0.lease.start = $1
                }
            }
        }
        leave(producer)
        // A note that cannot be taken back now costs the stream at most a lease after a crash.
        if producer.isKept { try? await store.producerClosed(producer.name) }
    }

    /// - Parameter wasOpen: a request that was refused is no sign of life: the lease goes on as if it had not come.
    private func leave(_ producer: StreamingProducer, wasOpen: Bool = true) {
        hub.unfollow(producer.name, producer)
        counts.withLock { $0.openProducers -= 1 }
        lifetimes.updateIfPresent(producer.name) { lifetime, now in
            lifetime.openProducers -= 1
            guard wasOpen else { return }
            lifetime.timeToLive.touched = now
            if lifetime.openProducers == 0 { lifetime.lease.start = now }
        }
    }
}
