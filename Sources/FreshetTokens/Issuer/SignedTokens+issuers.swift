public import Freshet
import FreshetServer
import Logging

@available(freshet 0.1, *)
extension SignedTokens {
    /// The tokens of some issuers.
    ///
    /// ```swift
    /// let app = TokenIssuer("app", audience: "freshet", keys: [.secret(file: "secret")])
    /// let server = try EmbeddedServer(tokens: .issuers([app]))
    /// ```
    ///
    /// A request shows its token as `Authorization: Bearer TOKEN`, of at most 64 KiB. When it expires, a request that is open
    /// by it ends; native readers are told so (`event: reconnect` with `{"why":"expired"}`). What is wrong with an issuer
    /// or its keys is thrown by the initialiser of the server, as `SetupError`.
    ///
    /// - Parameters:
    ///   - issuers: at least one, each with another name.
    ///   - leeway: how far the clocks of an issuer and the server may be apart, for `exp`, `nbf`, and the moment at which an
    ///     open request ends: whole seconds, from 0 to 60.
    ///   - requiresExpiry: whether a token without `exp` is refused.
    public static func issuers(
        _ issuers: [TokenIssuer],
        leeway: Duration = .seconds(5),
        requiresExpiry: Bool = true
    ) -> SignedTokens {
        SignedTokens { logger throws(SetupError) -> any ServedTokens in
            var problems: [String] = []
            let known = issuers.map { (setting: $0.setting(&problems), sources: $0.keys.map(\.source)) }
            let names = issuers.map { $0.name.map { Array($0.utf8) } }
            if Set(names).count < names.count {
                problems.append("Two issuers have the same name, or none. Make them one.")
            }
            if issuers.isEmpty { problems.append("There is no issuer whose tokens could be taken.") }
            let seconds = leeway.components.seconds
            if !(0...60).contains(seconds) || leeway != .seconds(seconds) {
                problems.append("The leeway of tokens is \(leeway). It is whole seconds, from 0 to 60.")
            }
            guard problems.isEmpty else { throw SetupError(problems) }
            do throws(KeysTrouble) {
                return try SignedTokenAuthenticator(
                    known,
                    leeway: seconds,
                    needsExpiry: requiresExpiry,
                    logger: logger
                )
            } catch {
                throw SetupError(["\(error)"])
            }
        }
    }
}
