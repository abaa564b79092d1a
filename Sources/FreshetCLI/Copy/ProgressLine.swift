/// The line that says how far a copy has come, a few times a second.
@available(freshet 0.1, *)
struct ProgressLine {
    private let clock = ContinuousClock()
    private var shown: ContinuousClock.Instant?

    mutating func show(_ progress: StreamCopy.Progress) {
        let now = clock.now
        guard shown.map({ now - $0 > .milliseconds(200) }) ?? true else { return }
        shown = now
        Terminal.progress(
            "\(progress.streams) streams, \(progress.events) events, \(Terminal.size(progress.bytes)) copied"
        )
    }

    /// Takes the line away.
    mutating func end() {
        if shown != nil { Terminal.progress("") }
    }
}
