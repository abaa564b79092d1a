import AsyncHTTPClient
import NIOCore
import NIOPosix
import PrintableText

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#elseif canImport(Darwin)
import Darwin
#endif

/// What went wrong below HTTP, in words for a person.
package enum TransportTrouble {
    /// The first cause in a few words, rather than the whole of a nested error.
    package static func describe(_ error: any Error) -> String {
        switch error {
        case let error as HTTPClientError:
            error.shortDescription
        case let error as NIOConnectionError:
            error.connectionErrors.first.map { describe($0.error) } ?? "cannot find \(error.host)"
        case let error as IOError:
            // The system's own words: NIO's are about the call that failed, "bind(descriptor:ptr:bytes:)".
            String(cString: strerror(error.errnoCode))
        case ChannelError.ioOnClosedChannel, ChannelError.eof, ChannelError.inputClosed, ChannelError.alreadyClosed:
            "the connection was closed"
        default:
            TLSTrouble.describe(String(describing: error)) ?? String(describing: error)
        }
    }

    /// Whether it is certain that no server has had anything of the request: no connection could be made.
    static func isUnsent(_ error: any Error) -> Bool {
        switch error {
        case is NIOConnectionError, ChannelError.connectTimeout: true
        case let error as IOError: error.errnoCode == ECONNREFUSED
        case let error as HTTPClientError:
            [
                .connectTimeout, .tlsHandshakeTimeout, .socksHandshakeTimeout, .httpProxyHandshakeTimeout,
                .getConnectionFromPoolTimeout,
            ].contains(error)
        default: false
        }
    }
}
