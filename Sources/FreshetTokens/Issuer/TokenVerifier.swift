package import FreshetServer
import Logging

/// Checks tokens: which issuer, which key, one signature, and what the claims give.
@available(freshet 0.1, *)
package struct TokenVerifier: Sendable {
    /// What a token gives, and for how long.
    package struct Verified: Sendable {
        package var caller: Caller
        /// In seconds since 1970, with the leeway; nil for one that does not expire.
        package var expires: Int64?
        /// The claims, as they came.
        package var claims: [UInt8]
        /// By whom it was signed.
        package var signer: TokenSigner
        /// Which issuer's it is, and as of when its keys are.
        var issuer: Int
        var generation: Int
        var epoch: Int
    }

    package let issuers: [KnownIssuer]
    /// Counts the times that files of keys were read again.
    let epoch: Int
    private let leeway: Int64
    private let needsExpiry: Bool

    /// - Parameter leeway: in seconds.
    package init(issuers: [KnownIssuer], leeway: Int64, needsExpiry: Bool) {
        self.init(issuers: issuers, epoch: 0, leeway: leeway, needsExpiry: needsExpiry)
    }

    private init(issuers: [KnownIssuer], epoch: Int, leeway: Int64, needsExpiry: Bool) {
        self.issuers = issuers
        self.epoch = epoch
        self.leeway = leeway
        self.needsExpiry = needsExpiry
    }

    /// The same with what the files of keys hold now.
    ///
    /// - Throws: `KeysTrouble` for the first file that cannot be used.
    func readAgain(logger: Logger) throws(KeysTrouble) -> TokenVerifier {
        var again: [KnownIssuer] = []
        for issuer in issuers { again.append(try issuer.readAgain(logger: logger)) }
        return TokenVerifier(issuers: again, epoch: epoch + 1, leeway: leeway, needsExpiry: needsExpiry)
    }

    /// Whether somebody's key is still one of an issuer's.
    func knows(_ signer: TokenSigner) -> Bool {
        let name = signer.issuer.map { Array($0.utf8) }
        return issuers.contains { issuer in
            issuer.setting.issuer.map { Array($0.utf8) } == name && issuer.has(signer.key)
        }
    }

    /// - Parameter now: Seconds since 1970.
    package func verify(_ text: String, now: Int64) throws(TokenTrouble) -> Verified {
        let token = try SignedToken(text)
        let index = try issuer(of: token)
        let issuer = issuers[index]
        let generation = issuer.remote?.generation ?? 0
        let key = try issuer.key(for: token)
        guard key.isSignature(token.signature, of: token.signed, by: token.algorithm) else {
            throw .wrong("Its signature is not the one of its key.")
        }
        try issuer.checkClaims(token.claims, now: now, leeway: leeway, needsExpiry: needsExpiry)
        return Verified(
            caller: try issuer.caller(token.claims, token: text),
            expires: token.claims["exp"]?.seconds(.down).map { $0 + leeway },
            claims: token.claims.raw,
            signer: TokenSigner(issuer: issuer.setting.issuer, key: key.digest),
            issuer: index,
            generation: generation,
            epoch: epoch
        )
    }

    /// Whether a text says of itself that it is a token which would be taken, and nothing is known that says otherwise.
    /// Where an issuer has a name, its signature is not looked at: what bears that name belongs to nobody else.
    package func claimsToBeValid(_ text: String, now: Int64) -> Bool {
        guard let token = try? SignedToken(text), let index = try? issuer(of: token) else { return false }
        let issuer = issuers[index]
        do throws(TokenTrouble) {
            try issuer.checkClaims(token.claims, now: now, leeway: leeway, needsExpiry: needsExpiry)
            if issuer.setting.issuer != nil { return true }
            return try issuer.key(for: token).isSignature(token.signature, of: token.signed, by: token.algorithm)
        } catch {
            return false
        }
    }

    /// The issuer that the token names, or the one without a name.
    private func issuer(of token: SignedToken) throws(TokenTrouble) -> Int {
        if token.claims["iss"] != nil, token.claims.text("iss") == nil { throw .wrong("Its issuer (iss) is no text.") }
        let name = token.claims.text("iss").map { Array($0.utf8) }
        let named = issuers.firstIndex { issuer in issuer.setting.issuer.map { Array($0.utf8) == name } ?? false }
        guard let index = named ?? issuers.firstIndex(where: { $0.setting.issuer == nil }) else {
            throw .wrong("Its issuer (iss) is not known here.")
        }
        return index
    }

    /// The issuer of a token whose key is not known.
    func issuerToAsk(_ text: String) -> RemoteKeys? {
        guard let token = try? SignedToken(text), let index = try? issuer(of: token) else { return nil }
        return issuers[index].remote
    }
}
