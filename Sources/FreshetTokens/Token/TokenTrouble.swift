import FreshetServer
package import StreamHTTP

/// Why a token is not taken.
@available(freshet 0.1, *)
package enum TokenTrouble: Error, Sendable, Equatable {
    /// In a sentence.
    case wrong(String)
    case expired
    /// It names a key that nobody has, or none where none fits.
    case unknownKey(String)
    /// There are no keys yet: the issuer could not be reached.
    case noKeysYet

    package var problem: Problem {
        switch self {
        case .wrong(let reason), .unknownKey(let reason): .wrongToken(reason)
        case .expired: .expiredToken()
        case .noKeysYet: .issuerUnreachable()
        }
    }

    /// What is wrong, for a person at a terminal.
    package var reason: String {
        switch self {
        case .wrong(let reason), .unknownKey(let reason): reason
        case .expired: "It has expired (exp)."
        case .noKeysYet: "There are no keys of its issuer."
        }
    }
}
