/// What becomes of an answer that nobody reads any more: `Freshet-On-Disconnect`.
@available(freshet 0.1, *)
package enum DisconnectPolicy: Sendable, Equatable {
    /// It is written to its end, within the server's limit of time without any reader.
    case `continue`
    /// It stops.
    case cancel
    /// It stops after so many seconds without a reader.
    case grace(seconds: Int)

    package init?(_ text: String) {
        switch text {
        case "continue": self = .continue
        case "cancel": self = .cancel
        case _ where text.utf8.starts(with: "grace=".utf8):
            let digits = text.dropFirst("grace=".count)
            guard !digits.isEmpty, digits.utf8.count <= 9, digits.utf8.allSatisfy({ 0x30...0x39 ~= $0 }),
                let seconds = Int(digits)
            else { return nil }
            self = .grace(seconds: seconds)
        default: return nil
        }
    }

    /// How long an answer may be without a reader.
    func patience(limit: Duration) -> Duration {
        switch self {
        case .continue: limit
        case .cancel: .zero
        case .grace(let seconds): min(limit, .seconds(seconds))
        }
    }
}
