import EventSource

/// What `tail` says about a stream beside its data.
///
/// On a terminal the data and the notes share the screen, and text often stands in the middle of a line: a note then
/// begins a line of its own, and a short cut of the connection is not mentioned.
@available(freshet 0.1, *)
struct TailNotes {
    private let sharesScreen = Terminal.hasStandardOutput && Terminal.hasStandardError
    private var isWithinLine = false
    private var showsProgress = false
    /// Whether it was said that there is no connection, since there was one last.
    private var hasToldTrouble = false
    private var wasOpen = false

    /// The bytes that were printed last.
    mutating func printed(_ bytes: [UInt8]) {
        if let last = bytes.last { isWithinLine = last != UInt8(ascii: "\n") }
    }

    mutating func tell(_ element: EventSource.Element) {
        switch element {
        case .gap(let gap):
            let after = gap.resumed.map { " after \($0)" } ?? ""
            note("gap: what follows does not continue what came before; it goes on\(after)")
        case .end(let end):
            let detail = end.detail.map { " (\($0))" } ?? ""
            note("the stream ended: \(end.reason?.rawValue ?? "it says no reason")\(detail)")
        case .reconnecting(let reconnection):
            let seconds = Double(Int(reconnection.delay / .milliseconds(100))) / 10
            let line = "\(reconnection.reason); again in \(seconds) s"
            if sharesScreen {
                if reconnection.attempt > 1 { note(line) }
            } else if Terminal.hasStandardError {
                Terminal.progress("freshet: \(line)")
                showsProgress = true
            } else if !hasToldTrouble, !wasOpen || reconnection.attempt > 1 {
                // A log gets one line for each time without a server, and none for a cut that is over at once.
                hasToldTrouble = true
                note("waiting: \(reconnection.reason)")
            }
        case .opened:
            hasToldTrouble = false
            wasOpen = true
            endProgress()
        case .event, .comment, .start:
            break
        }
    }

    private mutating func note(_ line: String) {
        endProgress()
        if sharesScreen, isWithinLine { try? Terminal.write([UInt8(ascii: "\n")]) }
        isWithinLine = false
        Terminal.note(line)
    }

    mutating func endProgress() {
        if showsProgress { Terminal.progress("") }
        showsProgress = false
    }
}
