/// What the demonstration's proxy does to an answer that passes through it.
@available(freshet 0.1, *)
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

    /// When it cuts the connection.
    enum Cut: Sendable, Equatable {
        /// This long after its request.
        case time(Duration)
        /// When so many bytes of the answer have come: wherever a stream stands when it is asked for.
        case bytes(Int)

        /// `1200` milliseconds, or `1200000b`.
        fileprivate init?(_ text: some StringProtocol) {
            let isSize = text.hasSuffix("b")
            let digits = isSize ? text.dropLast() : text[...]
            guard digits.utf8.count <= 8, let number = UInt32(digits) else { return nil }
            if !isSize, number > UInt16.max { return nil }
            self = isSize ? .bytes(Int(number)) : .time(.milliseconds(number))
        }
    }

    var holding: Holding
    /// Passes an answer with `X-Accel-Buffering: no` on as it comes, as nginx does and most others do not.
    var obeysHint: Bool
    /// Cuts the connection, once for each address.
    var cut: Cut?

    init(holding: Holding, obeysHint: Bool = false, cut: Cut? = nil) {
        self.holding = holding
        self.obeysHint = obeysHint
        self.cut = cut
    }

    /// A policy as a segment of a path: `whole`, `16k`, `1s` or `live`, then `,obeys` and `,cut-MILLISECONDS` or
    /// `,cut-BYTESb`, each at most once; nil for anything else.
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
        cut = nil
        if let word = words.popFirst() {
            guard word.hasPrefix("cut-"), let moment = Cut(word.dropFirst(4)) else { return nil }
            cut = moment
        }
        guard words.isEmpty else { return nil }
    }
}
