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

@available(freshet 0.1, *)
extension RedisTrouble {
    /// An error that is a reply, on a connection that was in use.
    static func ofReply(_ error: RESPError) -> RedisTrouble {
        switch error.code {
        case "READONLY", "MASTERDOWN": RedisTrouble(.notMaster, "this Redis is not the master any more: \(said(error))")
        case "LOADING": RedisTrouble(.loading, "this Redis loads its data again")
        case "NOAUTH": RedisTrouble(.credentials, "this Redis asks for a password: \(said(error))")
        case "NOPERM": RedisTrouble(.permission, "the user of this Redis may not do what is needed: \(said(error))")
        default: RedisTrouble(.refused, "this Redis refuses: \(said(error))")
        }
    }

    /// An error of the channel.
    static func ofChannel(_ error: any Error, isReady: Bool, what: String = "Redis") -> RedisTrouble {
        if let words = TLSTrouble.describe("\(error)", clearText: "redis://") { return RedisTrouble(.tls, words) }
        if case ChannelError.connectTimeout = error { return RedisTrouble(.timeout, "no connection within its time") }
        return isReady
            ? RedisTrouble(.closed, "the connection to Redis broke: \(words(error))")
            : RedisTrouble(.connect, "there is no \(what): \(words(error))")
    }

    /// An attempt that came to no connection.
    static func ofConnecting(_ error: any Error, to what: String) -> RedisTrouble {
        guard let failure = error as? NIOConnectionError else { return ofChannel(error, isReady: false, what: what) }
        if let single = failure.connectionErrors.first { return ofChannel(single.error, isReady: false, what: what) }
        return RedisTrouble(.connect, "there is no \(what): the name of its host is not known")
    }

    private static func words(_ error: any Error) -> String {
        switch error {
        // The system's own words: NIO's are about the call that failed.
        case let error as IOError: String(cString: strerror(error.errnoCode))
        case ChannelError.ioOnClosedChannel, ChannelError.eof, ChannelError.inputClosed, ChannelError.alreadyClosed:
            "it was closed"
        default: shown("\(error)")
        }
    }
}
