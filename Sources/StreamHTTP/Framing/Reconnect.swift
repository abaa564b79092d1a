/// Why a reader is asked to come back: the response to a read that cannot be served now, or no longer as it was asked
/// for.
@available(freshet 0.1, *)
package enum ReconnectReason: String, Sendable, CaseIterable {
    case draining, overloaded, store
    /// The credential has run out, or gives less than it did: a reader comes back with another.
    case expired, revoked

    init(_ loss: RightLoss) {
        switch loss {
        case .expired: self = .expired
        case .revoked: self = .revoked
        }
    }

    /// From which milliseconds the reconnection time is drawn, so that a crowd does not come back as one.
    package var retryRange: ClosedRange<Int> {
        switch self {
        case .draining: 1000...10_000
        case .overloaded, .store: 5000...30_000
        case .expired, .revoked: 5000...5000
        }
    }
}
