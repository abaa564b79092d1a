import EventSource

/// What the tests over real sockets run on: each transport that is compiled here.
enum TransportUnderTest: CaseIterable, Sendable {
    case asyncHTTPClient
    #if canImport(Darwin) || !AsyncHTTPClient || FRESHET_URL_SESSION
    case urlSession
    #endif

    /// An event source over it. That over AsyncHTTPClient takes what an event source has by itself.
    func source(_ url: String, _ configuration: EventSource.Configuration = .init()) -> EventSource {
        switch self {
        case .asyncHTTPClient: EventSource(url: url, configuration: configuration)
        #if canImport(Darwin) || !AsyncHTTPClient || FRESHET_URL_SESSION
        case .urlSession: EventSource(url: url, configuration: configuration, transport: URLSessionTransport())
        #endif
        }
    }
}
