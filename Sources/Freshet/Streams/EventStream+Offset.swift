import StreamCore

@available(freshet 0.1, *)
extension EventStream {
    /// A position of a stream: just after one of its events. It is what an SSE `id` carries.
    ///
    /// Offsets of a stream are ordered as its events are. They are given out by a stream, and mean nothing to another
    /// one.
    public struct Offset: Sendable, Hashable, Comparable, CustomStringConvertible {
        let core: StreamCore.Offset

        init(_ core: StreamCore.Offset) {
            self.core = core
        }

        /// The offset a text stands for, such as an SSE `id`; nil when the text is not exactly 12 characters of the
        /// alphabet `0-9A-Z_a-z~`.
        public init?(_ text: some StringProtocol) {
            guard let core = StreamCore.Offset(text) else { return nil }
            self.core = core
        }

        /// The 12 characters that go on the wire.
        public var description: String { core.text }

        /// The order of events within a stream.
        public static func < (left: Offset, right: Offset) -> Bool { left.core < right.core }
    }

    /// Where a reader begins.
    public enum Position: Sendable, Hashable {
        /// Before the first event.
        case start
        /// Behind the last event there is now.
        case now
        /// Just after an event: what follows is strictly later.
        case offset(Offset)

        var core: ReadPosition {
            switch self {
            case .start: .start
            case .now: .now
            case .offset(let offset): .after(offset.core)
            }
        }
    }
}
