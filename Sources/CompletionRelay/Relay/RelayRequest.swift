package import NIOHTTP1

/// A request to the relay, of somebody who may make it.
package struct RelayRequest: Sendable {
    package var method: String
    /// What follows `/v1`, as it was sent.
    package var path: String
    /// With its question mark; empty where there is none.
    package var query: String
    package var headers: HTTPHeaders
    /// The upstream that the caller names; nil for whichever suits the request.
    package var upstream: String?
    /// Scheme and authority by which the caller reaches this server.
    package var baseURL: String
    /// Who the caller is to this server; nil where it asks nobody.
    package var caller: String?
    /// The caller showed who it is in the fields that an upstream's key would stand in.
    package var credentialIsOurs: Bool
    package var isDraining: Bool

    package init(
        method: String,
        path: String,
        query: String = "",
        headers: HTTPHeaders,
        upstream: String? = nil,
        baseURL: String,
        caller: String? = nil,
        credentialIsOurs: Bool = false,
        isDraining: Bool = false
    ) {
        self.method = method
        self.path = path
        self.query = query
        self.headers = headers
        self.upstream = upstream
        self.baseURL = baseURL
        self.caller = caller
        self.credentialIsOurs = credentialIsOurs
        self.isDraining = isDraining
    }

    /// What tells one caller's keys from another's.
    var credential: String {
        let shown = ["authorization", "x-api-key", "api-key"].flatMap { headers[$0] }
        return ([caller ?? ""] + shown).joined(separator: "\u{0}")
    }
}
