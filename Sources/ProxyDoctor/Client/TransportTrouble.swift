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

/// What went wrong with a connection, in words.
@available(freshet 0.1, *)
enum TransportTrouble {
    static func describe(_ error: any Error) -> String {
        switch error {
        case let error as IOError where error.errnoCode == ECONNRESET: "reset"
        case let error as IOError where error.errnoCode == EPIPE: "closed while writing"
        case let error as IOError: String(cString: strerror(error.errnoCode))
        case let error as NIOConnectionError:
            if error.dnsAError ?? error.dnsAAAAError != nil, error.connectionErrors.isEmpty {
                "the name \(error.host) cannot be resolved"
            } else {
                error.connectionErrors.first.map { describe($0.error) } ?? "no connection"
            }
        case let error as ChannelError:
            if case .connectTimeout = error { "nobody answers" } else { "\(error)" }
        default: TLSTrouble.describe(String(describing: error)) ?? "\(error)"
        }
    }
}
