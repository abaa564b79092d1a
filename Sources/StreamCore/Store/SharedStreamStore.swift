/// A store that several nodes share, any of which takes any request.
///
/// Nobody but the store knows who is at work, so it does for all nodes what a node does for itself otherwise: it ends
/// streams whose lease ran out, takes those whose time to live did, and trims by age; each once, whoever asks. While a
/// claim stands on a stream none of its leases runs and it does not expire. A node whose session is over is as good as
/// gone: its claims are released for it, as torn.
///
/// Reads and appends are uses that the store notes by itself, exact to an eighth of the time to live. Appends, what was
/// kept before included, and `setLease` start the lease again; they need no claim. Neither `setLease` nor an end that
/// the lease brings is a use.
///
/// Of what another node did the watchers of this one are told a moment later. Of what this node was acknowledged they
/// were told before.
@available(freshet 0.1, *)
package protocol SharedStreamStore: StreamStore {
    /// Claims a stream: in one step with a new length of its lease, and with the loss of the label's claim before, of
    /// which the watchers on every node are told.
    ///
    /// A claim of which it is not known whether it stands (`outcomeUnknown`) the store releases by itself.
    func claim(_ name: StreamName, _ request: ClaimRequest) async throws(StoreError) -> ClaimOutcome

    /// Gives a claim back; one that stands no longer changes nothing.
    ///
    /// One of a streaming append that is torn gives a stream without a lease its own. With the last claim of a stream the
    /// lease begins. An answer that is open ends with `StreamClaim.interruption`.
    ///
    /// Returns when that was tried. What cannot be done now the store tries again until it is done, or the session is
    /// over: a claim that nobody holds would keep its stream open for ever.
    func release(_ claim: StreamClaim, of name: StreamName, isTorn: Bool) async

    /// Does what has become due, for all nodes. Called ten times a second by each of them, and when the store is full:
    /// the store decides how often it looks.
    func sweep() async throws(StoreError)

    /// Somebody is attached to a stream at this node: that is a use, and the stream does not expire for so long, at no
    /// moment either that it was to. Kept as `touch` is, and asked for again while they stay.
    func hold(_ name: StreamName, for duration: Duration)

    /// Whether another node follows a stream now. Unavailable as long as the store does not know of every other node
    /// that would be connected: whoever asks leaves things as they are.
    func isFollowedElsewhere(_ name: StreamName) async throws(StoreError) -> Bool

    /// Who holds streams, on all nodes, in the order of their names; nil for one that is gone.
    func holdings(of names: [StreamName]) async throws(StoreError) -> [StreamHolding?]

    /// What this node says of itself until it says something else; with nil it says nothing. The others hear it with the
    /// next sign that this node lives, and no more when it does not.
    func report(_ report: NodeReport?)

    /// The nodes that live and say something of themselves, this one among them when its own was heard.
    func livingNodes() async throws(StoreError) -> [LivingNode]
}

@available(freshet 0.1, *)
extension SharedStreamStore {
    package func trimByAge() async throws(StoreError) { try await sweep() }
}

/// Who holds a stream open, on all nodes, and what is left of its times.
@available(freshet 0.1, *)
package struct StreamHolding: Hashable, Sendable {
    /// Claims that stand.
    package var openProducers: Int
    /// The nodes that they are of, each once, as nodes call themselves.
    package var writers: [String]
    /// What is left of the lease; nil when none runs.
    package var leaseRemaining: Duration?
    /// What is left of the time to live; nil when nothing counts down.
    package var expiresIn: Duration?

    package init(
        openProducers: Int = 0,
        writers: [String] = [],
        leaseRemaining: Duration? = nil,
        expiresIn: Duration? = nil
    ) {
        self.openProducers = openProducers
        self.writers = writers
        self.leaseRemaining = leaseRemaining
        self.expiresIn = expiresIn
    }
}
