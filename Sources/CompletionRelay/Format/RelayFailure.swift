/// Why an answer failed through no word of its provider: the detail of its stream's end.
@available(freshet 0.1, *)
package enum RelayFailure: String, Sendable, CaseIterable {
    /// The connection to the upstream ended before the answer was complete.
    case truncated
    /// The server ended in the middle of the call. A store that nodes share says so too: `StreamClaim.interruption`.
    case interrupted
    /// The upstream was silent for too long.
    case silent = "upstream-silent"
    /// The upstream could not be reached.
    case unreachable = "upstream-unreachable"
    /// The upstream answered, but not with a stream.
    case noStream = "no-stream"
    /// An event was larger than an event may be.
    case oversized = "event-too-large"
    /// The store could not keep what came.
    case store

    /// What the end of an answer begins with whose upstream refused.
    static let refusal = "the upstream answered "

    /// As much of an end's detail as is the relay's own word.
    static func known(_ detail: String) -> String? {
        if let failure = allCases.first(where: { $0.rawValue == detail }) { return failure.rawValue }
        guard detail.utf8.starts(with: refusal.utf8) else { return nil }
        return refusal + String(decoding: detail.utf8.dropFirst(refusal.utf8.count).prefix(3), as: UTF8.self)
    }

    /// The status of the response where the failure comes before any.
    var status: Int? {
        switch self {
        case .unreachable, .noStream: 502
        case .silent: 504
        case .truncated, .interrupted, .oversized, .store: nil
        }
    }

    package var sentence: String {
        switch self {
        case .truncated: "The connection to the upstream ended before the answer was complete."
        case .interrupted: "The relay was interrupted in the middle of the answer."
        case .silent: "The upstream was silent for too long."
        case .unreachable: "The upstream could not be reached."
        case .noStream: "The upstream did not answer with a stream."
        case .oversized: "The upstream sent an event that is larger than relay-event-bytes."
        case .store: "The answer could not be kept any further."
        }
    }
}
