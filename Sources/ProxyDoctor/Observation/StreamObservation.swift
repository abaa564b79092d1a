package import ProbeProtocol

/// One probe as its reader saw it. Moments are milliseconds: `at` on the reader's clock, `sentAt` of an event on the
/// clock of the origin that wrote it.
@available(freshet 0.1, *)
package struct StreamObservation: Sendable {
    package struct Event: Sendable, Equatable {
        package var index: Int
        package var sentAt: Double
        package var at: Double

        package init(index: Int, sentAt: Double, at: Double) {
            self.index = index
            self.sentAt = sentAt
            self.at = at
        }
    }

    /// Some of the body, after it was uncoded.
    package struct Flow: Sendable, Equatable {
        package var at: Double
        package var bytes: Int

        package init(at: Double, bytes: Int) {
            self.at = at
            self.bytes = bytes
        }
    }

    package var plan: ProbePlan
    package var acceptEncoding: String?
    /// When the request went out.
    package var sentAt: Double
    package var head: ResponseHead?
    package var headAt: Double?
    package var meta: ProbeMeta?
    package var events: [Event] = []
    package var flow: [Flow] = []
    /// What came in place of a stream.
    package var refusal: Refusal?
    /// Whether the event that says that the probe is whole was there.
    package var hasEnd = false
    /// Whether the body could be read; a coding that is not known here cannot.
    package var isReadable = true
    package var end: ResponseEnd
    package var endAt: Double

    package init(
        plan: ProbePlan,
        acceptEncoding: String?,
        sentAt: Double,
        head: ResponseHead? = nil,
        headAt: Double? = nil,
        end: ResponseEnd,
        endAt: Double
    ) {
        self.plan = plan
        self.acceptEncoding = acceptEncoding
        self.sentAt = sentAt
        self.head = head
        self.headAt = headAt
        self.end = end
        self.endAt = endAt
    }

    /// Whether this is the response of a probe, and not of something else at that URL.
    package var isProbe: Bool { head?.status == 200 && head?[ProbePaths.nonceField.lowercased()] != nil }

    /// Whether it answers another request than the one that was sent.
    package var isReplay: Bool { meta.map { $0.name != plan.name } ?? false }

    package var bytes: Int { flow.reduce(0) { $0 + $1.bytes } }
}
