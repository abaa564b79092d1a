/// A wish to be at work on a stream.
@available(freshet 0.1, *)
package struct ClaimRequest: Hashable, Sendable {
    /// Only on the stream that was born there.
    package var birth: Offset
    package var kind: StreamClaim.Kind
    /// What the request calls itself (`Stream-Producer`): the claim before of the same label stands no longer.
    package var label: String?
    /// The length in seconds of the stream's lease from now on; nil leaves it.
    package var leaseSeconds: Int?
    /// Seconds of the lease that a stream without one gets when the request is torn or its node dies; 0 means none.
    package var tornLeaseSeconds: Int

    package init(
        birth: Offset,
        kind: StreamClaim.Kind,
        label: String? = nil,
        leaseSeconds: Int? = nil,
        tornLeaseSeconds: Int = 0
    ) {
        self.birth = birth
        self.kind = kind
        self.label = label
        self.leaseSeconds = leaseSeconds
        self.tornLeaseSeconds = tornLeaseSeconds
    }
}

@available(freshet 0.1, *)
package enum ClaimOutcome: Hashable, Sendable {
    case claimed(StreamClaim)
    /// The stream has ended: there is nothing to claim, and nothing was changed.
    case ended(StreamEnd)
    /// There is no such stream, or it was made anew.
    case notFound
}
