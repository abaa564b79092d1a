/// What an origin is asked to send as one probe: events at given moments, under given header fields.
///
/// Everything in it is bounded, so that a probe can neither flood nor last: see ``Limits``.
@available(freshet 0.1, *)
package struct ProbePlan: Sendable, Hashable {
    /// How a response is torn, to see whether the tear arrives.
    package enum Death: String, Sendable, Hashable, CaseIterable {
        /// The connection is closed in order, though the body is not finished.
        case close = "fin"
        /// The connection is reset.
        case reset = "rst"
    }

    package enum Limits {
        package static let events = 2000
        package static let eventBytes = 4096
        /// Bytes of payload in all events together.
        package static let bytes = 1 << 20
        /// Milliseconds from the request to the last event.
        package static let milliseconds = 900_000
        package static let gaps = 64
        package static let nameBytes = 32
        /// Bytes of the body of an upload.
        package static let uploadBytes = 256 << 10
        /// Pieces of such a body whose moments are told.
        package static let uploadPieces = 512
        /// Seconds that an upload may take.
        package static let uploadSeconds = 30
    }

    /// Names the request: letters and digits. The origin repeats it, so that a response to another request is found
    /// out.
    package var name: String
    package var form = ProbeForm.sse
    package var hints: Set<ProbeHint> = ProbeHint.ofFreshet
    /// How many events there are, beside the first and the last, which describe the probe.
    package var events: Int
    /// Bytes of payload in each event. It is random: a compressor cannot make it much smaller.
    package var eventBytes: Int
    /// Milliseconds before the first event, after the head.
    package var delay: Int
    /// Milliseconds between two events, one after the other and again from the first.
    package var gaps: [Int]
    /// Tears the response after so many events.
    package var death: Death?
    package var deathAfter: Int = 0

    package init(name: String, events: Int, eventBytes: Int = 20, delay: Int = 0, gaps: [Int]) {
        self.name = name
        self.events = events
        self.eventBytes = eventBytes
        self.delay = delay
        self.gaps = gaps
    }

    /// Milliseconds from the head to the event of this index.
    package func moment(of index: Int) -> Int {
        var moment = delay
        let round = gaps.reduce(0, +)
        moment += index / gaps.count * round
        for gap in gaps.prefix(index % gaps.count) { moment += gap }
        return moment
    }

    /// Milliseconds from the head to the last event.
    package var milliseconds: Int { events == 0 ? delay : moment(of: events - 1) }
}
