import StreamCore

/// What a node remembers of a claim of its own until it is given back.
@available(freshet 0.1, *)
struct OwnedClaim: Sendable {
    var name: StreamName
    var kind: StreamClaim.Kind
    var label: String?
    /// Seconds of the lease that it leaves when it is torn, where there is none.
    var tornLeaseSeconds: Int

    /// As the functions have it.
    var kindWord: String { kind == .answer ? "a" : "p\(tornLeaseSeconds)" }
}
