/// What a node does otherwise where the store is shared with others.
@available(freshet 0.1, *)
extension Streams {
    /// Other nodes may be at work on the same streams.
    package var isShared: Bool { shared != nil }

    /// Whether anybody reads, or may be reading, a stream at another node. Where that cannot be known now, somebody may.
    package func mayBeFollowedElsewhere(_ name: StreamName) async -> Bool {
        guard let shared else { return false }
        return (try? await shared.isFollowedElsewhere(name)) ?? true
    }

    /// Says to the other nodes what this one does, until it says something else; nothing more with nil.
    package func report(_ report: NodeReport?) { shared?.report(report) }

    /// The nodes that live and say what they do; nil where the store is this node's alone.
    package func livingNodes() async throws(StoreError) -> [LivingNode]? { try await shared?.livingNodes() }

    /// Whether it is known which stream has a name that somebody is attached to here, so that the store is told of it.
    package func isLookedUp(_ name: StreamName, born birth: Offset?) -> Bool {
        guard let lifetime = lifetimes.lifetime(of: name) else { return true }
        return !lifetime.isBeingLookedUp && (lifetime.exists ? lifetime.birth : nil) == birth
    }

    /// Who is attached to streams, and what is left of their times: on all nodes where the store is shared, but for the
    /// readers, who are those of this node.
    package func attendance(of names: [StreamName]) async -> [Attendance] {
        let own = names.map { attendance(of: $0) }
        // Where the store cannot be asked now, what is known here is told.
        guard let shared, let holdings = try? await shared.holdings(of: names) else { return own }
        return zip(own, holdings).map { own, holding in
            guard let holding else { return own }
            var attendance = own
            attendance.openProducers = holding.openProducers
            attendance.leaseRemaining = holding.leaseRemaining
            attendance.expiresIn = holding.expiresIn
            attendance.writers = holding.writers
            return attendance
        }
    }

    /// Does what can be done again without being done twice. While a store that is shared cannot be reached it is tried
    /// again, ever more rarely. Of another store it is asked once.
    ///
    /// - Parameters:
    ///   - patience: how long it is tried.
    ///   - isRepeatable: it may be done again too where nobody knows what became of it.
    package func persisting<Outcome: Sendable>(
        for patience: Duration,
        isRepeatable: Bool = true,
        on clock: any Clock<Duration>,
        _ body: () async throws(StoreError) -> Outcome
    ) async throws(StoreError) -> Outcome {
        let last = time.monotonic() + patience
        var pause = Duration.milliseconds(50)
        while true {
            do throws(StoreError) {
                return try await body()
            } catch {
                switch error {
                case .unavailable: break
                case .outcomeUnknown where isRepeatable: break
                default: throw error
                }
                guard shared != nil, !Task.isCancelled, time.monotonic() + pause < last else { throw error }
            }
            try? await clock.sleep(for: pause)
            pause = min(pause * 2, .seconds(1))
        }
    }

    /// Claims the stream for a streaming append that was just opened, where it has not ended.
    ///
    /// Nothing is done about an older one of the same label that is open here: the store takes its right away, whichever
    /// node it is at, and tells it.
    func claim(
        _ info: StreamInfo,
        for producer: StreamingProducer,
        _ kind: StreamClaim.Kind,
        lease: Int?,
        in store: any SharedStreamStore
    ) async throws(StoreError) {
        lifetimes.know(KeptStream(info: info, idle: .zero, hadOpenProducer: false))
        producer.opened(info)
        if let end = info.end { return producer.stop(because: .ended(end)) }
        let request = ClaimRequest(
            birth: info.birth,
            kind: kind,
            label: producer.label,
            leaseSeconds: lease,
            tornLeaseSeconds: configuration.tornLeaseSeconds
        )
        switch try await store.claim(info.name, request) {
        case .claimed(let claim): producer.claimed(claim)
        case .ended(let end): producer.stop(because: .ended(end))
        case .notFound: producer.stop(because: .removed(.deleted))
        }
    }
}
