@available(freshet 0.1, *)
extension DurableStream {
    /// A position in a stream: just after an event. A read from it gives what is strictly later.
    ///
    /// A server chooses what it looks like. Those of one stream sort as text in the order of the stream. Keep one with
    /// what was made of the bytes before it, and a reader goes on there after any restart.
    public struct Offset: RawRepresentable, Hashable, Comparable, Codable, Sendable, CustomStringConvertible {
        /// The offset as it is on the wire.
        public var rawValue: String

        /// An offset that was kept.
        public init(rawValue: String) {
            self.rawValue = rawValue
        }

        /// The start of every stream.
        public static let start = Offset(rawValue: "-1")
        /// The end of what a stream has when it is read.
        public static let now = Offset(rawValue: "now")

        /// The offset as it is on the wire.
        public var description: String { rawValue }

        /// Whether one is before the other in their stream. ``now`` is before nothing, and nothing is before ``start``.
        public static func < (left: Offset, right: Offset) -> Bool {
            if left == right || left == .now || right == .start { return false }
            if left == .start || right == .now { return true }
            return left.rawValue.utf8.lexicographicallyPrecedes(right.rawValue.utf8)
        }

        /// Whether it stands for a place that each read finds anew.
        var isSentinel: Bool { self == .start || self == .now }
    }
}
