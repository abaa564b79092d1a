import PrintableText

/// What went wrong below HTTP, in words for a person.
@available(freshet 0.1, *)
package enum TransportTrouble {
    /// The first cause in a few words, rather than the whole of a nested error.
    package static func describe(_ error: any Error) -> String {
        if let error = error as? EventSourceTransportError { return error.message }
        #if AsyncHTTPClient
        if let words = AsyncHTTPClientTransport.describe(error) { return words }
        #endif
        #if canImport(Darwin) || !AsyncHTTPClient || FRESHET_URL_SESSION
        if let words = URLSessionTransport.describe(error) { return words }
        #endif
        return TLSTrouble.describe(String(describing: error)) ?? String(describing: error)
    }
}
