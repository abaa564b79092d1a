package import Freshet
package import FreshetServer
import Locks
package import Logging
import PrintableText
package import StreamCore
import StreamHTTP

/// Lets in who shows a token that an issuer signed. Its keys are behind a mutex.
@available(freshet 0.1, *)
package final class SignedTokenAuthenticator: TokenAuthenticator {
    private let current: Mutex<TokenVerifier>
    private let verified = VerifiedTokens(size: 5000)
    private let time: any TimeSource
    private let client: IssuerClient?

    package init(_ verifier: TokenVerifier, time: any TimeSource = SystemTime(), client: IssuerClient? = nil) {
        current = Mutex(verifier)
        self.time = time
        self.client = client
    }

    /// As it is set: nil where no issuer is.
    ///
    /// - Throws: `KeysTrouble` for the first file of keys that cannot be used.
    package convenience init?(
        _ configuration: ServerConfiguration,
        logger: Logger,
        time: any TimeSource = SystemTime()
    ) throws(KeysTrouble) {
        let settings = configuration.issuers
        guard !settings.isEmpty else { return nil }
        try self.init(
            settings.map { ($0, TokenKeySource.all(of: $0)) },
            leeway: Int64(configuration.jwtLeeway),
            needsExpiry: configuration.jwtExpiry,
            logger: logger,
            time: time
        )
    }

    /// - Parameters:
    ///   - issuers: what is said of each, and where its keys are.
    ///   - leeway: in seconds.
    /// - Throws: `KeysTrouble` for the first keys that cannot be used.
    convenience init(
        _ issuers: [(setting: IssuerSetting, sources: [TokenKeySource])],
        leeway: Int64,
        needsExpiry: Bool,
        logger: Logger,
        time: any TimeSource = SystemTime()
    ) throws(KeysTrouble) {
        let client = IssuerClient()
        var known: [KnownIssuer] = []
        for (setting, sources) in issuers {
            for case .secretFile(let file) in sources {
                guard let warning = SecretFile.warning(file, what: "The secret file", groupReads: true) else {
                    continue
                }
                logger.warning("\(PrintableText.escaped(warning))")
            }
            let issuer = try KnownIssuer(setting, sources, time: time, logger: logger) { url in
                { try await KeySetDownload(client: try client.client(), url: url).get() }
            }
            known.append(issuer)
        }
        self.init(
            TokenVerifier(issuers: known, leeway: leeway, needsExpiry: needsExpiry),
            time: time,
            client: client
        )
    }

    /// Fetches the keys of the issuers that have a URL. One that does not answer is asked again later.
    package func start() async {
        await withTaskGroup { group in
            for issuer in verifier.issuers {
                if let remote = issuer.remote { group.addTask { await remote.start() } }
            }
        }
    }

    private var verifier: TokenVerifier { current.withLock(\.self) }

    /// What the files of keys hold at a moment.
    package struct ReadKeys: Sendable {
        fileprivate let verifier: TokenVerifier
    }

    /// Reads the files of keys again. Nothing changes by it.
    ///
    /// - Throws: `KeysTrouble` for the first file that cannot be used.
    package func readKeys(logger: Logger) throws(KeysTrouble) -> ReadKeys {
        ReadKeys(verifier: try verifier.readAgain(logger: logger))
    }

    /// Checks tokens by these keys from now on, those too that were found right by the keys before.
    package func replaceKeys(with keys: ReadKeys) { current.withLock { $0 = keys.verifier } }

    package func stop() async { await client?.close() }

    package func authenticate(_ request: RouteRequest, _ facts: RequestFacts, now: Int64) -> Authentication {
        guard let authorization = facts.authorization,
            let token = BearerToken(authorization: authorization)?.text, SignedToken.hasForm(token)
        else { return .undecided }
        if let found = known(token, now: now) { return .admitted(admission(found)) }
        do throws(TokenTrouble) {
            return .admitted(admission(try verify(token, now: now)))
        } catch {
            return refusal(error, of: token)
        }
    }

    private func refusal(_ trouble: TokenTrouble, of token: String) -> Authentication {
        switch trouble {
        case .wrong, .expired: return .refused(trouble.problem)
        case .unknownKey, .noKeysYet:
            guard let fetch = verifier.issuerToAsk(token)?.refreshForUnknown() else { return .refused(trouble.problem) }
            return .later { [self] in
                // A fetch takes 5 seconds at most, from its beginning.
                await fetch.value
                do throws(TokenTrouble) {
                    return .admitted(admission(try verify(token, now: Int64(time.wallMilliseconds() / 1000))))
                } catch {
                    return .refused(error.problem)
                }
            }
        }
    }

    /// An open request and a session end with the key that their token was signed with.
    package func renewed(_ admission: Admission) -> Admission? {
        guard let signer = admission.signer else { return admission }
        return knows(signer) ? admission : nil
    }

    package func knows(_ signer: TokenSigner) -> Bool { verifier.knows(signer) }

    package func isToken(_ word: String, now: Int64) -> Bool {
        guard SignedToken.hasForm(word) else { return false }
        return known(word, now: now) != nil || verifier.claimsToBeValid(word, now: now)
    }

    /// What was found out of a token before, if it still holds.
    private func known(_ token: String, now: Int64) -> TokenVerifier.Verified? {
        guard let found = verified[token] else { return nil }
        let verifier = self.verifier
        let generation = verifier.issuers[found.issuer].remote?.generation ?? 0
        guard found.epoch == verifier.epoch, found.generation == generation,
            found.expires.map({ now < $0 }) ?? true
        else {
            verified.drop(token)
            return nil
        }
        return found
    }

    private func verify(_ token: String, now: Int64) throws(TokenTrouble) -> TokenVerifier.Verified {
        var found = try verifier.verify(token, now: now)
        // Only what they give is asked for again.
        found.claims = []
        verified.keep(found, for: token)
        return found
    }

    private func admission(_ found: TokenVerifier.Verified) -> Admission {
        Admission(caller: found.caller, credential: .token, signer: found.signer, expires: found.expires)
    }
}

@available(freshet 0.1, *)
extension SignedTokenAuthenticator: ServedTokens {
    package func readKeysAgain(_ logger: Logger) throws(SetupError) {
        do throws(KeysTrouble) {
            replaceKeys(with: try readKeys(logger: logger))
        } catch {
            throw SetupError(["\(error)"])
        }
    }
}

@available(freshet 0.1, *)
extension SignedTokenAuthenticator: MetricsSource {
    package func metrics() async -> [MetricFamily] {
        let counts = verifier.issuers.compactMap { $0.remote?.counts }
        guard !counts.isEmpty else { return [] }
        return [
            MetricFamily(
                "freshet_issuer_keys_fetches_total",
                .counter,
                "Fetches of the keys of token issuers",
                by: "result",
                [("ok", counts.reduce(0) { $0 + $1.fetched }), ("failed", counts.reduce(0) { $0 + $1.failed })]
            ),
            MetricFamily(
                "freshet_issuers_without_keys",
                .gauge,
                "Token issuers of which no key is known: it was never fetched, or was taken back",
                verifier.issuers.count(where: \.hasNoKeys)
            ),
        ]
    }
}
