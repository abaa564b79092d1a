/// Why a request that is open may go on: who asked, for which right, on which stream. A request whose right cannot end
/// has none.
@available(freshet 0.1, *)
package protocol AccessGrant: AnyObject, Sendable {
    /// The second since 1970 at which it runs out; nil where time does not end it.
    var expires: Int64? { get }
    /// Whether the right is still there by the rules of this moment. Asked on event loops: it must not block.
    var stillHolds: Bool { get }
    /// Whether all open requests are being asked about since whoever let this one in was asked.
    var isOutdated: Bool { get }
    /// By what the request goes on once whoever let it in was asked again; nil for one that may not.
    func askedAgain() async -> (any AccessGrant)?
}

@available(freshet 0.1, *)
extension AccessGrant {
    package var isOutdated: Bool { false }
    package func askedAgain() async -> (any AccessGrant)? { self }
}

/// Why an open request has lost its right.
@available(freshet 0.1, *)
package enum RightLoss: String, Sendable, CaseIterable {
    /// The credential was good until now.
    case expired
    /// The rules have changed.
    case revoked
}

@available(freshet 0.1, *)
extension RequestPlan {
    /// The same, for as long as the grant holds.
    package func held(by grant: (any AccessGrant)?) -> RequestPlan {
        guard let grant else { return self }
        if case .respond = self { return self }
        return .granted(grant, self)
    }

    /// The same, with something that is held until the request is over.
    package func holding(_ held: (any AnyObject & Sendable)?) -> RequestPlan {
        guard let held else { return self }
        if case .respond = self { return self }
        return .holding(held, self)
    }
}
