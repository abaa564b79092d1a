import Crypto
package import FreshetServer
package import Logging
import PrintableText
package import StreamCore
import TextCodecs

/// Somebody who signs tokens, with the keys that these are checked by.
@available(freshet 0.1, *)
package struct KnownIssuer: Sendable {
    package let setting: IssuerSetting
    private let sources: [TokenKeySource]
    /// Those that are not behind a URL.
    private var fixed: [TokenKey]
    package let remote: RemoteKeys?

    /// An issuer whose keys are where its settings say.
    ///
    /// - Throws: `KeysTrouble` for the first file that cannot be used.
    package init(
        _ setting: IssuerSetting,
        time: any TimeSource,
        logger: Logger,
        fetch: (_ url: String) -> RemoteKeys.Fetch
    ) throws(KeysTrouble) {
        try self.init(setting, TokenKeySource.all(of: setting), time: time, logger: logger, fetch: fetch)
    }

    /// - Parameter sources: where its keys are, whatever the setting says; one URL at most.
    /// - Throws: `KeysTrouble` for the first that cannot be used.
    init(
        _ setting: IssuerSetting,
        _ sources: [TokenKeySource],
        time: any TimeSource,
        logger: Logger,
        fetch: (_ url: String) -> RemoteKeys.Fetch
    ) throws(KeysTrouble) {
        self.setting = setting
        self.sources = sources
        fixed = try Self.keys(of: setting, sources, logger)
        guard let url = sources.lazy.compactMap(\.url).first else {
            remote = nil
            return
        }
        let isHere = ["http://127.0.0.1", "http://localhost", "http://[::1]"].contains(where: url.hasPrefix)
        if url.lowercased().hasPrefix("http://"), !isHere {
            let url = PrintableText.escaped(url)
            logger.warning("Whoever is on the way to \(url) can sign tokens: it is fetched without TLS.")
        }
        remote = RemoteKeys(url: url, time: time, logger: logger, fetch: fetch(url))
    }

    /// The same with what its files hold now. What was fetched stays.
    ///
    /// - Throws: `KeysTrouble` for the first file that cannot be used.
    func readAgain(logger: Logger) throws(KeysTrouble) -> KnownIssuer {
        var issuer = self
        issuer.fixed = try Self.keys(of: setting, sources, logger)
        return issuer
    }

    private static func keys(
        of setting: IssuerSetting,
        _ sources: [TokenKeySource],
        _ logger: Logger
    ) throws(KeysTrouble) -> [TokenKey] {
        var keys: [TokenKey] = []
        for source in sources { keys += try source.keys(of: setting.issuer, logger) }
        return keys
    }

    /// The one key that a token can have been signed with. Nothing is tried: a token that names a key is checked by
    /// that one, and one that names none by the only one that fits.
    func key(for token: SignedToken) throws(TokenTrouble) -> TokenKey {
        guard setting.algorithms.isEmpty || setting.algorithms.contains(token.algorithm) else {
            throw .wrong("Its algorithm (alg) is not one that its issuer uses.")
        }
        let keys = fixed + (remote?.keys ?? [])
        let fitting = keys.filter { $0.algorithms.contains(token.algorithm) }
        guard let id = token.keyID else {
            guard fitting.count <= 1 else {
                throw .wrong("It names no key (kid), and there are several that its algorithm (alg) fits.")
            }
            guard let key = fitting.first else {
                throw missing(keys, "There is no key that its algorithm (alg) fits.")
            }
            return key
        }
        let named = keys.filter { $0.id.map { $0.utf8.elementsEqual(id.utf8) } ?? false }
        guard !named.isEmpty else {
            throw missing(keys, "The key that it names (kid) is not known.")
        }
        let both = named.filter { $0.algorithms.contains(token.algorithm) }
        guard both.count == 1 else { throw .wrong("Its algorithm (alg) does not fit the key that it names (kid).") }
        return both[0]
    }

    private func missing(_ keys: [TokenKey], _ reason: String) -> TokenTrouble {
        guard keys.isEmpty else { return .unknownKey(reason) }
        return remote?.isFetched == true ? .unknownKey("Its issuer has no keys any more.") : .noKeysYet
    }

    /// Whether it has no key that a token could be checked with.
    var hasNoKeys: Bool { fixed.isEmpty && remote?.isEmpty ?? true }

    /// Whether a key is still one of its own.
    func has(_ digest: [UInt8]) -> Bool { (fixed + (remote?.keys ?? [])).contains { $0.digest == digest } }

    /// What a token says of itself, before anybody knows whether it is true.
    func checkClaims(_ claims: TokenObject, now: Int64, leeway: Int64, needsExpiry: Bool) throws(TokenTrouble) {
        if let audience = setting.audience, !Self.audiences(claims).contains(Array(audience.utf8)) {
            throw .wrong("Its audience (aud) is not this server.")
        }
        if let expiry = claims["exp"] {
            guard let seconds = expiry.seconds(.down) else { throw .wrong("Its expiry (exp) is no number of seconds.") }
            guard now < seconds + leeway else { throw .expired }
        } else if needsExpiry {
            throw .wrong("It does not say when it expires (exp).")
        }
        if let beginning = claims["nbf"] {
            guard let seconds = beginning.seconds(.up) else {
                throw .wrong("Its beginning (nbf) is no number of seconds.")
            }
            guard now + leeway >= seconds else { throw .wrong("It is not valid yet (nbf).") }
        }
    }

    private static func audiences(_ claims: TokenObject) -> [[UInt8]] {
        if let one = claims.text("aud") { return [Array(one.utf8)] }
        return claims["aud"]?.elements.compactMap { $0.string.map { Array($0.utf8) } } ?? []
    }

    /// Who a verified token speaks for, and what that gives.
    ///
    /// - Parameter token: the token itself: without a subject nobody but its bearer is meant.
    func caller(_ claims: TokenObject, token: String) throws(TokenTrouble) -> Caller {
        // Apart from every name of a key, and from the subjects of every other issuer: no # is left in what follows it.
        let subject: String
        if let named = claims.text("sub"), !named.isEmpty {
            subject = PercentEncoding.encode(named, keeping: .unreservedAndSlash)
        } else {
            subject = "*" + Hexadecimal.text(SHA256.hash(data: Array(token.utf8)).prefix(8))
        }
        return Caller(name: "\(setting.issuer ?? "")#\(subject)", grants: try grants(claims))
    }

    private func grants(_ claims: TokenObject) throws(TokenTrouble) -> [Caller.Grant] {
        guard let claim = claims[setting.claim] else {
            return setting.templates.compactMap { template in template.grant { claims.text($0) } }
        }
        guard let object = TokenObject(Array(claim.raw)) else {
            throw .wrong("Its claim \"\(setting.claim)\" is no object, or says something twice.")
        }
        var grants: [Caller.Grant] = []
        for name in object.names {
            guard let right = Rights(name: name) else {
                throw .wrong("Its claim \"\(setting.claim)\" has \"\(name)\", which is no right.")
            }
            let written = object[name]
            let texts = written?.elements.compactMap(\.string) ?? []
            guard written?.raw.first == UInt8(ascii: "["), texts.count == written?.elements.count else {
                throw .wrong("Its claim \"\(setting.claim)\" has \"\(name)\" without a list of names.")
            }
            var prefixes: [StreamPrefix] = []
            for text in texts {
                do throws(Refusal) {
                    prefixes.append(try StreamPrefix(pattern: text))
                } catch {
                    throw .wrong("Its claim \"\(setting.claim)\" has a wrong name: \(error.reason).")
                }
            }
            grants.append(Caller.Grant(right, prefixes))
        }
        return grants
    }
}
