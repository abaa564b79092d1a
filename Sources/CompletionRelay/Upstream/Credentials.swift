/// Where providers' clients show a key.
@available(freshet 0.1, *)
package enum Credentials {
    /// In lower case: OpenAI's and most others', Anthropic's, Azure's, Google's, that of Azure's gateways, OpenStack's.
    package static let fields = [
        "authorization", "x-api-key", "api-key", "x-goog-api-key", "ocp-apim-subscription-key", "x-auth-token",
    ]

    /// Google's parameters of a query, in whichever case.
    static func isParameter(_ name: String) -> Bool {
        ["key", "access_token", "oauth_token"].contains(name.lowercased())
    }
}
