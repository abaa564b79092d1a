/// What the demonstration's proxy does to an answer that passes through it.
struct ProxyPolicy: Sendable, Equatable {
    /// What it waits for before it passes anything on.
    enum Holding: Sendable, Equatable {
        /// Nothing: each byte goes on as it comes.
        case nothing
        /// The end of the answer.
        case whole
        /// That many bytes.
        case bytes(Int)
        /// The next full moment of that length.
        case period(Duration)
    }

    var holding: Holding
    /// Passes an answer with `X-Accel-Buffering: no` on as it comes, as nginx does and most others do not.
    var obeysHint: Bool
    /// Cuts the connection this long after its request, once for each address.
    var cutAfter: Duration?

    init(holding: Holding, obeysHint: Bool = false, cutAfter: Duration? = nil) {
        self.holding = holding
        self.obeysHint = obeysHint
        self.cutAfter = cutAfter
    }

    /// A policy as a segment of a path: `whole`, `16k`, `1s` or `live`, then `,obeys` and `,cut-MILLISECONDS`, each at
    /// most once; nil for anything else.
    init?(_ text: some StringProtocol) {
        var words = text.split(separator: ",", omittingEmptySubsequences: false)[...]
        switch words.popFirst() {
        case "live": holding = .nothing
        case "whole": holding = .whole
        case "16k": holding = .bytes(16 * 1024)
        case "1s": holding = .period(.seconds(1))
        default: return nil
        }
        obeysHint = words.first == "obeys"
        if obeysHint { words.removeFirst() }
        cutAfter = nil
        if let word = words.popFirst() {
            guard word.hasPrefix("cut-"), let milliseconds = UInt16(word.dropFirst(4)), word.count <= 9 else {
                return nil
            }
            cutAfter = .milliseconds(milliseconds)
        }
        guard words.isEmpty else { return nil }
    }
}
