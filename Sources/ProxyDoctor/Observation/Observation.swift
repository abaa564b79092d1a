package import ProbeProtocol

/// What a probe of any kind showed.
@available(freshet 0.1, *)
package enum Observation: Sendable {
    case time(TimeObservation)
    case stream(StreamObservation)
    case departure(DepartureObservation)
    case upload(UploadObservation)
}

/// The origin's clock, asked once.
@available(freshet 0.1, *)
package struct TimeObservation: Sendable {
    package var sentAt: Double
    package var at: Double
    package var head: ResponseHead?
    package var end: ResponseEnd
    /// Nil when the response was not that of a probe.
    package var report: ProbeTime?
    /// The beginning of a response that was none, for a message.
    package var body: String

    package init(
        sentAt: Double,
        at: Double,
        head: ResponseHead?,
        end: ResponseEnd,
        report: ProbeTime?,
        body: String = ""
    ) {
        self.sentAt = sentAt
        self.at = at
        self.head = head
        self.end = end
        self.report = report
        self.body = body
    }
}

/// A reader that left, and what the origin knew of it.
@available(freshet 0.1, *)
package struct DepartureObservation: Sendable {
    package var plan: ProbePlan
    /// When the reader left.
    package var leftAt: Double
    /// The origin's last word on it; nil when it could not be asked.
    package var status: ProbeStatus?
    /// For how long it was asked: milliseconds after the reader left.
    package var asked: Double

    package init(plan: ProbePlan, leftAt: Double, status: ProbeStatus?, asked: Double) {
        self.plan = plan
        self.leftAt = leftAt
        self.status = status
        self.asked = asked
    }
}

/// A body that was sent in parts, and how it arrived.
@available(freshet 0.1, *)
package struct UploadObservation: Sendable {
    /// Milliseconds after the head at which each part was sent.
    package var moments: [Int]
    package var head: ResponseHead?
    package var end: ResponseEnd
    package var report: ProbeUpload?

    package init(moments: [Int], head: ResponseHead?, end: ResponseEnd, report: ProbeUpload?) {
        self.moments = moments
        self.head = head
        self.end = end
        self.report = report
    }
    /// Between the first part and the last, as a share of the time in which they were sent; nil where it is not known.
    package var spread: Double? {
        guard let report, let first = report.moments.first, let last = report.moments.last,
            let begun = moments.first, let ended = moments.last, ended > begun
        else {
            return nil
        }
        return (last - first) / Double(ended - begun)
    }

    package var isHeld: Bool { spread.map { $0 < 0.5 } ?? false }
}
