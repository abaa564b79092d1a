import EventSource

/// What the service reads streams over, by its name on the command line: each transport that is compiled here.
@available(freshet 0.1, *)
enum ContractTransport: String, CaseIterable, Sendable {
    case asyncHTTPClient = "async-http-client"
    #if canImport(Darwin) || !AsyncHTTPClient || FRESHET_URL_SESSION
    case urlSession = "url-session"
    #endif

    /// One for all streams; nil for what an event source has by itself.
    func make() -> (any EventSourceTransport)? {
        switch self {
        case .asyncHTTPClient: nil
        #if canImport(Darwin) || !AsyncHTTPClient || FRESHET_URL_SESSION
        case .urlSession: URLSessionTransport()
        #endif
        }
    }
}
