import StreamCore

@available(freshet 0.1, *)
extension EventStream {
    /// How a stream ended. It ends once, for ever.
    public struct End: Sendable, Hashable {
        /// Why a stream ended.
        public enum Reason: String, Sendable, Hashable, CaseIterable {
            /// Everything there was to say was said.
            case done
            /// The producer could not go on.
            case failed
            /// Someone asked it to stop.
            case cancelled
            /// Its producer's lease ran out.
            case abandoned

            init(_ core: EndReason) {
                self =
                    switch core {
                    case .done: .done
                    case .failed: .failed
                    case .cancelled: .cancelled
                    case .abandoned: .abandoned
                    }
            }

            var core: EndReason {
                switch self {
                case .done: .done
                case .failed: .failed
                case .cancelled: .cancelled
                case .abandoned: .abandoned
                }
            }
        }

        /// Why.
        public let reason: Reason
        /// What the producer added, for people who read.
        public let detail: String?

        init(_ core: StreamEnd) {
            self.reason = Reason(core.reason)
            self.detail = core.detail
        }
    }

    /// Why a stream is no longer there. Neither is an end: nothing is left to record one in.
    public enum Removal: String, Sendable, Hashable {
        /// Somebody deleted it.
        case deleted
        /// Its time to live ran out.
        case expired

        init(_ core: StreamCore.Removal) {
            self =
                switch core {
                case .deleted: .deleted
                case .expired: .expired
                }
        }
    }
}
