import StreamCore

/// Why a request is over, as the access log and a trace say it.
@available(freshet 0.1, *)
package enum AccessEnd: String, Sendable, CaseIterable {
    /// The response is out, whatever it says; of a read or an append that goes on, that the stream is done.
    case done
    /// The stream ended otherwise.
    case failed, cancelled, abandoned
    /// The stream was deleted, or has expired.
    case removed
    /// Another append of the same producer took over.
    case superseded
    /// An append was refused, or a part of its body was not what its stream is made of.
    case refused
    /// A read that is to be made anew, as its protocol has it.
    case renewed
    /// The peer closed the connection, or the stream of it that the request is.
    case left = "peer-left"
    /// The peer took nothing for too long, or held most of what is in flight.
    case evicted
    /// The server went away in good order, and at once.
    case drained, stopped
    /// The right to it is no more.
    case expired, revoked
    /// There was not memory or room for it.
    case overloaded
    /// The store failed.
    case store
    /// Anything else: the response could not be completed.
    case error

    init(_ reason: EndReason) {
        switch reason {
        case .done: self = .done
        case .failed: self = .failed
        case .cancelled: self = .cancelled
        case .abandoned: self = .abandoned
        }
    }

    init(_ reason: ReconnectReason) {
        switch reason {
        case .draining: self = .drained
        case .overloaded: self = .overloaded
        case .store: self = .store
        case .expired: self = .expired
        case .revoked: self = .revoked
        }
    }

    init(_ outcome: StreamingAppendResult.Outcome) {
        switch outcome {
        case .complete: self = .done
        case .stopped(.ended(let end)): self = AccessEnd(end.reason)
        case .stopped(.removed): self = .removed
        case .stopped(.superseded): self = .superseded
        case .refused, .badPiece: self = .refused
        case .failed: self = .store
        case .draining: self = .drained
        case .lostRight(let loss): self = AccessEnd(ReconnectReason(loss))
        case .overloaded: self = .overloaded
        }
    }
}
