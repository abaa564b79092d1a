/// What an examination came to.
@available(freshet 0.1, *)
package struct Report: Sendable {
    package enum Verdict: Sendable, Equatable {
        /// Streams arrive as they are sent, whatever else was found.
        case live
        /// The worst of the faults.
        case fault(FindingCode)
        /// The control was late itself: nothing can be said of what is beside it.
        case inconclusive
        /// Nothing could be judged, since the server did not answer as it must.
        case failed

        package var code: String {
            switch self {
            case .live: "LIVE"
            case .fault(let code): code.rawValue
            case .inconclusive: "INCONCLUSIVE"
            case .failed: "FAILED"
            }
        }
    }

    /// Header fields of the response, as the origin sent and the client got them.
    package struct FieldChanges: Sendable, Equatable {
        package var removed: [String] = []
        package var changed: [String] = []
        package var added: [String] = []

        package init() {}
    }

    package var url: String
    package var origin: String?
    /// Whether the server's probe was used; else it was only looked at.
    package var usesProbe: Bool
    /// What the client spoke: `1.1` or `2`.
    package var http: String?
    package var verdict: Verdict
    /// In a sentence.
    package var summary: String
    /// The worst first.
    package var findings: [Finding] = []
    /// Who names itself.
    package var layers: [String] = []
    package var fields = FieldChanges()
    package var notes: [String] = []
    package var timelines: [Timeline] = []

    package init(url: String, origin: String?, usesProbe: Bool, verdict: Verdict, summary: String) {
        self.url = url
        self.origin = origin
        self.usesProbe = usesProbe
        self.verdict = verdict
        self.summary = summary
    }
}

/// When things were sent and when they came, for a drawing. Milliseconds from the request.
@available(freshet 0.1, *)
package struct Timeline: Sendable, Equatable {
    package var title: String
    package var sent: [Double]
    package var arrived: [Double]

    package init(title: String, sent: [Double], arrived: [Double]) {
        self.title = title
        self.sent = sent
        self.arrived = arrived
    }
}
