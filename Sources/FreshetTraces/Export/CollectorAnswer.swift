/// What became of one export, by the rules of OTLP over HTTP.
@available(freshet 0.1, *)
enum CollectorAnswer: Sendable, Equatable {
    /// Taken, but for so many spans that the collector did not want.
    case taken(rejected: Int = 0)
    /// Not taken this time.
    ///
    /// - Parameter after: how long to wait before the next time, where the collector said so.
    case again(after: Duration?, String)
    /// Not taken, nor ever.
    case refused(String)

    /// By a response's status.
    ///
    /// - Parameter retryAfter: the value of that field: so many seconds. Where it is a date, or is none, a usual time is
    ///   waited.
    init(status: Int, retryAfter: String?, rejected: Int) {
        switch status {
        case 200..<300: self = .taken(rejected: rejected)
        case 429, 502, 503, 504:
            let seconds = retryAfter.flatMap { Int($0) }.flatMap { $0 < 0 ? nil : $0 }
            self = .again(after: seconds.map { .seconds($0) }, "it answered \(status)")
        default: self = .refused("it answered \(status)")
        }
    }
}

/// When an export is tried again that the collector did not take.
@available(freshet 0.1, *)
struct ExportPatience: Sendable {
    /// What is not taken by then is given up: what is newer waits behind it.
    private static let most = Duration.seconds(60)
    private static let longest = Duration.seconds(30)

    private var next = Duration.seconds(1)
    private var waited = Duration.zero

    init() {}

    /// How long to wait before the next try; nil when it is not tried any more.
    ///
    /// - Parameters:
    ///   - asked: what the collector asks for.
    ///   - part: of that time, which differs from try to try so that nodes do not come back together: from 0.5 to 1.
    mutating func wait(asked: Duration?, part: Double) -> Duration? {
        let wait = asked ?? next * part
        next = min(next * 2, Self.longest)
        waited += wait
        return waited > Self.most ? nil : wait
    }
}
