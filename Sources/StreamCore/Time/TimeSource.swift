#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#elseif canImport(Darwin)
import Darwin
#endif

/// Where the core learns what time it is, so that tests can travel.
@available(freshet 0.1, *)
package protocol TimeSource: Sendable {
    /// Time on a clock that never steps, since an arbitrary moment. Leases, time to live and retention count in it.
    func monotonic() -> Duration
    /// Milliseconds since 1970 on the wall clock, which may step. Only offsets and `Stream-Expires-At` look at it.
    func wallMilliseconds() -> UInt64
}

/// The machine's own clocks.
@available(freshet 0.1, *)
package struct SystemTime: TimeSource {
    package init() {}

    package func monotonic() -> Duration {
        let time = Self.read(CLOCK_MONOTONIC)
        return .seconds(time.tv_sec) + .nanoseconds(time.tv_nsec)
    }

    // Each append asks three times: not by way of a `Duration`, whose parts are divisions of 128 bits.
    package func wallMilliseconds() -> UInt64 {
        let time = Self.read(CLOCK_REALTIME)
        return UInt64(max(0, time.tv_sec)) * 1000 + UInt64(time.tv_nsec) / 1_000_000
    }

    private static func read(_ clock: clockid_t) -> timespec {
        var time = timespec()
        clock_gettime(clock, &time)
        return time
    }
}
