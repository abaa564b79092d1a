import StreamHTTP

/// The right by which a request is open: by which credential, to do what, with which stream. Each open request of
/// somebody who is known has one.
@available(freshet 0.1, *)
final class HeldRight: AccessGrant {
    let expires: Int64?
    private let who: AuthenticatorChain
    private let admission: Admission
    private let right: Rights
    private let name: String
    /// Nil where nobody is asked again.
    private let asking: Asking?

    init(
        _ right: Rights,
        _ name: String,
        of admission: Admission,
        by who: AuthenticatorChain,
        _ asking: Asking? = nil
    ) {
        self.expires = admission.expires
        self.who = who
        self.admission = admission
        self.right = right
        self.name = name
        self.asking = asking
    }

    var stillHolds: Bool { who.renewed(admission)?.caller.may(right, name) ?? false }

    var isOutdated: Bool { asking?.isOutdated ?? false }

    func askedAgain() async -> (any AccessGrant)? {
        guard var asking else { return self }
        switch await asking.ask() {
        case .success(let admission):
            guard admission.caller.may(right, name) else { return nil }
            return HeldRight(right, name, of: admission, by: who, asking)
        // It could not be found out, which takes nothing away.
        case .failure(let problem) where problem.status >= 500:
            return HeldRight(right, name, of: admission, by: who, asking)
        case .failure: return nil
        }
    }
}
