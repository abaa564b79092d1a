import NIOCore

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#elseif canImport(Darwin)
import Darwin
#endif

/// Why a server cannot listen, in the system's words and with what to do.
@available(freshet 0.1, *)
enum ListenTrouble {
    static func describe(_ error: any Error) -> String {
        switch error {
        case let error as IOError where error.errnoCode == EADDRINUSE:
            "another program uses that port. Stop it, or choose another port."
        case let error as IOError where error.errnoCode == EADDRNOTAVAIL:
            "this machine does not have that address."
        case let error as IOError where error.errnoCode == EACCES:
            "this user may not use that port. Choose one above 1023."
        case let error as IOError:
            "\(String(cString: strerror(error.errnoCode)))."
        case is SocketAddressError.UnknownHost:
            "there is no host of that name."
        default:
            "\(error)."
        }
    }
}
