/// How many lines of a kind are written to the log: so many a second, after so many at once. What is left out is
/// counted.
@available(freshet 0.1, *)
package struct LogThrottle: Sendable {
    package enum Decision: Equatable, Sendable {
        /// Write it, and that so many before it were left out.
        case write(leftOut: Int)
        case leaveOut
    }

    /// Lines at once, after some silence.
    package static let burst = 50
    /// Lines a second in a flood.
    package static let rate = 10

    /// What may be written at this moment, in lines.
    private var credit = Double(burst)
    private var creditedAt: Duration?
    private var leftOut = 0

    package init() {}

    package mutating func decide(at now: Duration) -> Decision {
        guard takeCredit(at: now) else {
            leftOut += 1
            return .leaveOut
        }
        defer { leftOut = 0 }
        return .write(leftOut: leftOut)
    }

    /// How many were left out of which no line has told yet, to be told now; nil when there are none, or when that would
    /// be one line too many.
    package mutating func takeLeftOut(at now: Duration) -> Int? {
        guard leftOut > 0, takeCredit(at: now) else { return nil }
        defer { leftOut = 0 }
        return leftOut
    }

    private mutating func takeCredit(at now: Duration) -> Bool {
        if let creditedAt, now > creditedAt {
            credit = min(Double(Self.burst), credit + (now - creditedAt) / .seconds(1) * Double(Self.rate))
        }
        creditedAt = now
        guard credit >= 1 else { return false }
        credit -= 1
        return true
    }
}
