#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#elseif canImport(Darwin)
import Darwin
#endif

/// Where the core learns what time it is, so that tests can travel.
package protocol TimeSource: Sendable {
    /// Time on a clock that never steps, since an arbitrary moment. Leases, time to live and retention count in it.
    func monotonic() -> Duration
    /// Milliseconds since 1970 on the wall clock, which may step. Only offsets and `Stream-Expires-At` look at it.
    func wallMilliseconds() -> UInt64
}

/// The machine's own clocks.
package struct SystemTime: TimeSource {
    package init() {}

    package func monotonic() -> Duration { Self.read(CLOCK_MONOTONIC) }

    package func wallMilliseconds() -> UInt64 {
        let (seconds, attoseconds) = Self.read(CLOCK_REALTIME).components
        return UInt64(max(0, seconds)) * 1000 + UInt64(attoseconds / 1_000_000_000_000_000)
    }

    private static func read(_ clock: clockid_t) -> Duration {
        var time = timespec()
        clock_gettime(clock, &time)
        return .seconds(time.tv_sec) + .nanoseconds(time.tv_nsec)
    }
}
