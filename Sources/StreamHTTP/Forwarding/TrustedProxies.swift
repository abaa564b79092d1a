/// The proxies whose word counts about who sent a request. Of all others it never does: anybody can write such fields.
@available(freshet 0.1, *)
package struct TrustedProxies: Sendable {
    private let networks: [IPNetwork]

    package init(_ networks: [IPNetwork]) {
        self.networks = networks
    }

    /// The address of whoever sent a request, as far as that is known.
    ///
    /// Each proxy adds at the right whom it heard, so that the fields are read from there: the first address that is no
    /// trusted proxy's is the one. What that one wrote before is its own word, and is not read. What is no address ends
    /// the search too, at the proxy that wrote it.
    ///
    /// - Parameter peer: the address of the connection.
    package func sender(of fields: RequestFields, from peer: String) -> String {
        guard !networks.isEmpty, let nearest = IPAddress(parsing: peer), trusts(nearest) else { return peer }
        let older = fields["X-Forwarded-For"]
        let newer = fields["Forwarded"]
        guard !older.isEmpty || !newer.isEmpty else { return peer }
        let told = older.isEmpty ? nil : sender(ForwardedField.hops(olderForm: older), nearest)
        let toldAnew = newer.isEmpty ? nil : sender(ForwardedField.hops(newer), nearest)
        // A proxy writes one of the two, and passes the other on as its client wrote it.
        if let told, let toldAnew, told != toldAnew { return peer }
        return "\(told ?? toldAnew ?? nearest)"
    }

    private func sender(_ hops: [IPAddress?], _ peer: IPAddress) -> IPAddress {
        var nearest = peer
        for hop in hops.reversed() {
            guard let hop else { break }
            nearest = hop
            if !trusts(hop) { break }
        }
        return nearest
    }

    private func trusts(_ address: IPAddress) -> Bool { networks.contains { $0.contains(address) } }
}
