import StreamHTTP

/// The right by which a request is open: by which credential, to do what, with which stream. Each open request of
/// somebody who is known has one.
final class HeldRight: AccessGrant {
    let expires: Int64?
    private let who: AuthenticatorChain
    private let admission: Admission
    private let right: Rights
    private let name: String

    init(_ right: Rights, _ name: String, of admission: Admission, by who: AuthenticatorChain) {
        self.expires = admission.expires
        self.who = who
        self.admission = admission
        self.right = right
        self.name = name
    }

    var stillHolds: Bool { who.renewed(admission)?.caller.may(right, name) ?? false }
}
