/// When each event of a run is due: at an even rate that does not wait for anything, so that a slow answer delays no
/// later event, and counts in full for those that it did delay.
///
/// Times are nanoseconds of the monotonic clock, as `NIODeadline` has them.
@available(freshet 0.1, *)
struct Schedule: Sendable, Equatable {
    /// When the first event is due.
    let start: UInt64
    /// Events a second.
    let rate: Double
    /// How many events there are.
    let count: Int

    /// All events that are due in so many seconds.
    init(start: UInt64, rate: Double, seconds: Double) {
        self.start = start
        self.rate = rate
        // 1.1 seconds at 10 a second are 11, whatever binary fractions make of it.
        count = max(1, Int((rate * seconds + 1e-6).rounded(.down)))
    }

    /// When an event is due, counted from 0.
    func due(_ number: Int) -> UInt64 {
        // Each from the start, so that no rounding adds up.
        start + UInt64((Double(number) / rate * 1e9).rounded())
    }
}
