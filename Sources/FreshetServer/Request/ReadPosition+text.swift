package import StreamCore

@available(freshet 0.1, *)
extension ReadPosition {
    /// The position a text stands for: `-1`, `now`, or an offset as it was given out; nil for anything else.
    package init?(_ text: String) {
        switch text {
        case "-1": self = .start
        case "now": self = .now
        // Clients of the Durable Streams protocol may write the start as zeros.
        case _ where !text.isEmpty && text.utf8.allSatisfy({ $0 == UInt8(ascii: "0") || $0 == UInt8(ascii: "_") }):
            self = .start
        default:
            guard let offset = Offset(text) else { return nil }
            self = .after(offset)
        }
    }
}
