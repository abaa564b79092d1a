#if AsyncHTTPClient
import AsyncHTTPClient
import NIOCore
import NIOPosix

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#elseif canImport(Darwin)
import Darwin
#endif

@available(freshet 0.1, *)
extension AsyncHTTPClientTransport {
    /// An error of the client as an event source is told it.
    static func trouble(_ error: any Error) -> any Error {
        if error is CancellationError { return error }
        return EventSourceTransportError(TransportTrouble.describe(error), isUnsent: isUnsent(error))
    }

    /// Nil where it is an error of something else.
    static func describe(_ error: any Error) -> String? {
        switch error {
        case let error as HTTPClientError:
            error.shortDescription
        case let error as NIOConnectionError:
            error.connectionErrors.first.map { TransportTrouble.describe($0.error) } ?? "cannot find \(error.host)"
        case let error as IOError:
            // The system's own words: NIO's are about the call that failed, "bind(descriptor:ptr:bytes:)".
            String(cString: strerror(error.errnoCode))
        case ChannelError.ioOnClosedChannel, ChannelError.eof, ChannelError.inputClosed, ChannelError.alreadyClosed:
            "the connection was closed"
        default:
            nil
        }
    }

    /// Whether it is certain that no server has had anything of the request: no connection could be made.
    private static func isUnsent(_ error: any Error) -> Bool {
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
#endif
