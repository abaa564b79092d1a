import FreshetServer
import Logging
import PrintableText

/// Where keys of an issuer are.
@available(freshet 0.1, *)
enum TokenKeySource: Sendable {
    case secret([UInt8], id: String?)
    case secretFile(String)
    /// Public keys in PEM form.
    case pem(String)
    case pemFile(String)
    /// A JWKS.
    case keySet([UInt8])
    case keySetFile(String)
    case url(String)

    /// Those that settings name.
    static func all(of setting: IssuerSetting) -> [TokenKeySource] {
        var sources: [TokenKeySource] = []
        if let file = setting.secretFile { sources.append(.secretFile(file)) }
        if let file = setting.keys { sources.append(.pemFile(file)) }
        if let jwks = setting.jwks { sources.append(IssuerSetting.isURL(jwks) ? .url(jwks) : .keySetFile(jwks)) }
        return sources
    }

    /// Where they are fetched; nil for those that are here.
    var url: String? {
        if case .url(let url) = self { url } else { nil }
    }

    /// The keys as they are now; none where they are behind a URL.
    ///
    /// - Parameter issuer: whose they are; nil for the one without a name.
    /// - Throws: `KeysTrouble` for what cannot be used, and which names the file or the issuer.
    func keys(of issuer: String?, _ logger: Logger) throws(KeysTrouble) -> [TokenKey] {
        let owner = issuer.map { "the issuer \($0)" } ?? "the issuer without a name"
        switch self {
        case .secret(let bytes, let id): return [try .secret(bytes, id: id, place: "a secret of \(owner)")]
        case .secretFile(let file): return [try .secret(file: file)]
        case .pem(let text): return try TokenKey.pem(text, place: "the PEM text of \(owner)")
        case .pemFile(let file): return try TokenKey.pem(file: file)
        case .keySet(let bytes): return try Self.keys(bytes, place: "the key set of \(owner)", logger)
        case .keySetFile(let file): return try Self.keys(try KeyFile.bytes(file), place: file, logger)
        case .url: return []
        }
    }

    private static func keys(_ bytes: [UInt8], place: String, _ logger: Logger) throws(KeysTrouble) -> [TokenKey] {
        let set = try KeySet(bytes, place: place, takesSecrets: true)
        for reason in set.skipped { logger.warning("\(PrintableText.escaped("\(place): \(reason)")).") }
        return set.keys
    }
}
