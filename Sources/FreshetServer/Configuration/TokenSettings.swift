/// The settings of signed tokens: a part of `ServerSettings`.
@available(freshet 0.1, *)
package struct TokenSettings: Sendable {
    let tokens = Heading("Tokens", in: .program)

    package let jwtIssuer = Setting<String?>(
        "jwt-issuer",
        .name,
        default: nil,
        "The `iss` of the tokens that the server takes; docs/access.md has examples. With an issuer nobody is let in without "
            + "a token or a key, not even on loopback."
    )

    package let jwtAudience = Setting<String?>(
        "jwt-audience",
        .name,
        default: nil,
        "What the `aud` of a token must be, or hold. Required with `jwt-issuer`."
    )

    package let jwtSecretFile = Setting<String?>(
        "jwt-secret-file",
        .path,
        default: nil,
        "File of a secret of at least 32 bytes that tokens are signed with (HS256, HS384, HS512). One newline at its end is "
            + "not part of it. SIGHUP reads it again."
    )

    package let jwtKeys = Setting<String?>(
        "jwt-keys",
        .path,
        default: nil,
        "PEM file of public keys: RSA, EC of the curves P-256 and P-384, Ed25519. A line `kid: NAME` before a key names it. "
            + "SIGHUP reads it again."
    )

    package let jwtJWKS = Setting<String?>(
        "jwt-jwks",
        .pathOrURL,
        default: nil,
        "JWKS of the issuer: a file, or an https:// or http:// URL, which is fetched at the start and again when it says that "
            + "it is stale or a token names a key that is not in it. SIGHUP reads a file again."
    )

    package let jwtAlgorithms = Setting<[TokenAlgorithm]>(
        "jwt-algorithms",
        .tokenAlgorithms,
        default: [],
        "The algorithms that a token may be signed with; without any, all that fit its key."
    )

    package let jwtClaim = Setting<String>(
        "jwt-claim",
        .claim,
        default: IssuerSetting.usualClaim,
        "The claim that holds a token's rights, such as {\"read\": [\"answers/42\"]}."
    )

    package let jwtTemplate = Setting<[TokenTemplate]>(
        "jwt-template",
        .tokenTemplates,
        default: [],
        "Rights of tokens that do not have that claim, \(TokenTemplate.form); {sub} is the token's claim of that name."
    )

    package let jwtExpiry = Setting<Bool>(
        "jwt-expiry",
        .toggle,
        default: true,
        "Refuse tokens that do not expire (`exp`)."
    )

    package let jwtLeeway = Setting<Int>(
        "jwt-leeway-seconds",
        .whole(0...60, "seconds"),
        default: 5,
        "How far the clocks of an issuer and the server may be apart: for `exp`, for `nbf`, and for the moment at which an "
            + "open request, or a session, ends with its token."
    )

    package let jwt = Setting<[IssuerSetting]>(
        "jwt",
        .issuers,
        default: [],
        "Issuers of tokens, beside the one of the settings above. In a file a list of mappings."
    )
}

@available(freshet 0.1, *)
extension SettingKind where Value == String? {
    /// What is read or fetched later, and missed then.
    static var pathOrURL: SettingKind {
        SettingKind(
            "path",
            allowed: "the path of a file, or an https:// or http:// URL",
            text: { $0.isEmpty ? .none : .some($0) },
            show: { $0 ?? "" }
        )
    }

    /// A name that others gave.
    static var name: SettingKind {
        SettingKind("name", allowed: "a text", text: { $0.isEmpty ? .none : .some($0) }, show: { $0 ?? "" })
    }
}

@available(freshet 0.1, *)
extension SettingKind where Value == String {
    static var claim: SettingKind {
        SettingKind("name", allowed: "the name of a claim", text: { $0.isEmpty ? nil : $0 }, show: { $0 })
    }
}

@available(freshet 0.1, *)
extension SettingKind where Value == [TokenAlgorithm] {
    static var tokenAlgorithms: SettingKind {
        SettingKind(listOf: "algorithms: \(TokenAlgorithm.written)", "algorithms") { text throws(Refusal) in
            try TokenAlgorithm(parsing: text)
        } show: {
            $0.rawValue
        }
    }
}

@available(freshet 0.1, *)
extension SettingKind where Value == [TokenTemplate] {
    static var tokenTemplates: SettingKind {
        SettingKind(listOf: "templates, \(TokenTemplate.form)", "templates") { text throws(Refusal) in
            try TokenTemplate(parsing: text)
        } show: {
            $0.description
        }
    }
}

@available(freshet 0.1, *)
extension SettingKind where Value == [IssuerSetting] {
    static var issuers: SettingKind {
        SettingKind(listOf: IssuerSetting.form, "issuers", block: IssuerSetting.init(block:)) { text throws(Refusal) in
            try IssuerSetting(parsing: text)
        } show: {
            $0.description
        }
    }
}

@available(freshet 0.1, *)
extension TokenAlgorithm {
    static let written = allCases.map(\.rawValue).joined(separator: ", ")

    init(parsing text: String) throws(Refusal) {
        guard let algorithm = Self(rawValue: text) else {
            throw Refusal("\"\(text)\" is no algorithm for tokens here; write some of \(Self.written)")
        }
        self = algorithm
    }
}
