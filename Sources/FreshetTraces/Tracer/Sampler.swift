/// Which traces that begin here are recorded: a share of them. What a caller has decided of its trace is not asked.
@available(freshet 0.1, *)
package struct Sampler: Sendable {
    /// What the last 56 bits of a trace's id must reach, as other tracers decide it too (OpenTelemetry, consistent
    /// probability sampling).
    private let threshold: UInt64

    /// - Parameter share: from 0 for none to 1 for all.
    package init(share: Double) {
        threshold = UInt64(((1 - min(max(share, 0), 1)) * 0x1p56).rounded())
    }

    package func samples(_ trace: TraceID) -> Bool { trace.low & 0xFF_FFFF_FFFF_FFFF >= threshold }
}
