import TextCodecs

/// Somebody who signs tokens: whose name they bear, which keys they are checked by, and what they give.
///
/// ```
/// issuer=https://login.example audience=freshet jwks=https://login.example/keys template=read=users/{sub}/
/// ```
@available(freshet 0.1, *)
package struct IssuerSetting: Sendable, Hashable, CustomStringConvertible {
    static let form =
        "issuers, each `issuer=NAME audience=NAME jwks=FILE-OR-URL …` with the settings above without jwt-"
    static let usualClaim = "freshet"

    package var issuer: String?
    package var audience: String?
    package var secretFile: String?
    package var keys: String?
    package var jwks: String?
    /// Empty for all that fit a key.
    package var algorithms: [TokenAlgorithm] = []
    package var claim = IssuerSetting.usualClaim
    package var templates: [TokenTemplate] = []

    package init() {}

    /// Whether there is something to check a token with.
    var hasKeys: Bool { secretFile != nil || keys != nil || jwks != nil }

    /// The files of its keys.
    package var files: [String] {
        [secretFile, keys, jwks.flatMap { Self.isURL($0) ? nil : $0 }].compactMap(\.self)
    }

    /// Whether a JWKS is behind a URL; otherwise it is in a file.
    package static func isURL(_ text: String) -> Bool {
        let text = text.lowercased()
        return text.hasPrefix("https://") || text.hasPrefix("http://")
    }

    /// From words, each `NAME=VALUE`.
    init(parsing text: String) throws(Refusal) {
        try self.init(block: WrittenValue.Block(words: text, ofWhat: "an issuer", form: Self.form))
    }

    /// From a mapping.
    init(block: WrittenValue.Block) throws(Refusal) {
        for member in block.members {
            switch member.name {
            case "issuer": issuer = try Self.one(member)
            case "audience": audience = try Self.one(member)
            case "secret-file": secretFile = try Self.one(member)
            case "keys": keys = try Self.one(member)
            case "jwks": jwks = try Self.one(member)
            case "claim": claim = try Self.one(member)
            case "algorithms":
                for text in Self.all(member) { algorithms.append(try TokenAlgorithm(parsing: text)) }
            case "template":
                for text in Self.all(member) { templates.append(try TokenTemplate(parsing: text)) }
            default:
                throw Refusal(
                    "\"\(member.name)\" says nothing of an issuer; write issuer, audience, secret-file, keys, jwks, algorithms, "
                        + "claim and template"
                )
            }
        }
        guard hasKeys else {
            throw Refusal("the issuer \(issuer ?? "without a name") has no keys; write its jwks, keys or secret-file")
        }
    }

    private static func one(_ member: WrittenValue.Block.Member) throws(Refusal) -> String {
        guard let value = member.values.first, !value.isEmpty, member.values.count == 1 else {
            throw Refusal("\(member.name) of an issuer is one value that is not empty; it has \(member.values.count)")
        }
        return value
    }

    private static func all(_ member: WrittenValue.Block.Member) -> [String] {
        member.values.flatMap { $0.split(separator: ",").map { String($0.trimmingBlanks()) } }
    }

    package var description: String {
        var words: [String] = []
        for (name, value) in [
            ("issuer", issuer), ("audience", audience), ("secret-file", secretFile), ("keys", keys), ("jwks", jwks),
            ("claim", claim == Self.usualClaim ? nil : claim),
        ] {
            if let value { words.append("\(name)=\(value)") }
        }
        words += algorithms.map { "algorithms=\($0.rawValue)" } + templates.map { "template=\($0)" }
        return words.joined(separator: " ")
    }
}

@available(freshet 0.1, *)
extension ServerConfiguration {
    /// Whose tokens the server takes: of the settings of one issuer, and of the list.
    package var issuers: [IssuerSetting] {
        let own = ownIssuer
        return (own.hasKeys ? [own] : []) + self.jwt
    }

    private var ownIssuer: IssuerSetting {
        var own = IssuerSetting()
        own.issuer = self.jwtIssuer
        own.audience = self.jwtAudience
        own.secretFile = self.jwtSecretFile
        own.keys = self.jwtKeys
        own.jwks = self.jwtJWKS
        own.algorithms = self.jwtAlgorithms
        own.claim = self.jwtClaim
        own.templates = self.jwtTemplate
        return own
    }

    /// What is wrong with settings of tokens together.
    func tokenContradictions(_ issuers: [IssuerSetting]) -> [String] {
        var found: [String] = []
        if ownIssuer != IssuerSetting(), !ownIssuer.hasKeys {
            found.append(
                "jwt-issuer: there is something said of tokens, and nothing to check them with. Set jwt-jwks, "
                    + "jwt-keys or jwt-secret-file"
            )
        }
        for issuer in issuers {
            if let name = issuer.issuer, issuer.audience == nil {
                found.append(
                    "jwt-audience: the issuer \(name) signs tokens for others too. Set the audience that its tokens for this "
                        + "server have"
                )
            }
        }
        for (index, issuer) in issuers.enumerated()
        where issuers[..<index].contains(where: { $0.issuer == issuer.issuer }) {
            found.append(
                "jwt: two issuers are \(issuer.issuer.map { "named \($0)" } ?? "without a name"). Make them one"
            )
        }
        return found
    }
}
