import AsyncHTTPClient
import Locks
import NIOCore

/// What issuers are asked with. There is none before the first is asked, so that who is never started leaves none behind,
/// and none after the end. Its state is behind a mutex.
@available(freshet 0.1, *)
package final class IssuerClient: Sendable {
    private enum State {
        case unused
        case open(HTTPClient)
        case closed
    }

    private let state = Mutex(State.unused)

    init() {}

    /// - Throws: `CancellationError` after the end.
    func client() throws -> HTTPClient {
        try state.withLock { state in
            switch state {
            case .open(let client): return client
            case .closed: throw CancellationError()
            case .unused:
                let client = HTTPClient(
                    eventLoopGroupProvider: .singleton,
                    configuration: HTTPClient.Configuration(
                        // A redirection would let another host name the keys.
                        redirectConfiguration: .disallow,
                        timeout: .init(connect: .seconds(5)),
                        decompression: .disabled
                    )
                )
                state = .open(client)
                return client
            }
        }
    }

    func close() async {
        let client = state.withLock { state -> HTTPClient? in
            defer { state = .closed }
            if case .open(let client) = state { return client }
            return nil
        }
        try? await client?.shutdown()
    }
}
