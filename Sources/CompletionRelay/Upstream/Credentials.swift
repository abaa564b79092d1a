/// Where providers' clients show a key.
package enum Credentials {
    /// In lower case: OpenAI's and most others', Anthropic's, Azure's, Google's.
    package static let fields = ["authorization", "x-api-key", "api-key", "x-goog-api-key"]
}
