/// Why a reader is asked to come back: the response to a read that cannot be served now.
package enum ReconnectReason: String, Sendable, CaseIterable {
    case draining, overloaded, store

    /// From which milliseconds the reconnection time is drawn, so that a crowd does not come back as one.
    package var retryRange: ClosedRange<Int> { self == .draining ? 1000...10_000 : 5000...30_000 }
}
