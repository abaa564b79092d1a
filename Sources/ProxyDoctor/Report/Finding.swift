/// One thing that was found, with what it rests on and what to do about it.
@available(freshet 0.1, *)
package struct Finding: Sendable, Equatable {
    package enum Severity: String, Sendable, Comparable {
        /// As it should be.
        case good
        /// Works with Freshet, and would hurt another server or in another situation.
        case warning
        /// Breaks streaming.
        case fault

        package static func < (left: Severity, right: Severity) -> Bool { left.rank < right.rank }

        private var rank: Int {
            switch self {
            case .good: 0
            case .warning: 1
            case .fault: 2
            }
        }
    }

    package var code: FindingCode
    package var severity: Severity
    /// Who does it, as far as it shows.
    package var layer: String
    /// What was seen, in a sentence or two.
    package var evidence: String
    /// What to do: lines of configuration where the layer is known.
    package var remedy: String
    package var figures: [String: Figure]

    package init(
        _ code: FindingCode,
        _ severity: Severity,
        layer: String,
        evidence: String,
        remedy: String,
        figures: [String: Figure] = [:]
    ) {
        self.code = code
        self.severity = severity
        self.layer = layer
        self.evidence = evidence
        self.remedy = remedy
        self.figures = figures
    }
}
