import AsyncHTTPClient
import NIOCore
import NIOPosix

/// What went wrong below HTTP, in words for a person.
package enum TransportTrouble {
    /// The first cause in a few words, rather than the whole of a nested error.
    package static func describe(_ error: any Error) -> String {
        switch error {
        case let error as HTTPClientError:
            error.shortDescription
        case let error as NIOConnectionError:
            error.connectionErrors.first.map { describe($0.error) } ?? "cannot find \(error.host)"
        default:
            String(describing: error)
        }
    }
}
