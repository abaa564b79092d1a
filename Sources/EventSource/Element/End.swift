@available(freshet 0.1, *)
extension EventSource {
    /// How a stream ended.
    public struct End: Sendable, Equatable {
        /// Why a stream ended: one of the constants, or what a newer server says.
        public struct Reason: RawRepresentable, Sendable, Hashable {
            /// The word on the wire.
            public var rawValue: String

            /// Any word, so that a newer server's reasons are not lost.
            public init(rawValue: String) {
                self.rawValue = rawValue
            }

            /// Its producer said that it is complete.
            public static let done = Reason(rawValue: "done")
            /// Its producer said that it failed.
            public static let failed = Reason(rawValue: "failed")
            /// Someone asked it to stop.
            public static let cancelled = Reason(rawValue: "cancelled")
            /// Its producer's lease ran out.
            public static let abandoned = Reason(rawValue: "abandoned")
            /// It was deleted.
            public static let deleted = Reason(rawValue: "deleted")
            /// Its time to live ran out.
            public static let expired = Reason(rawValue: "expired")
        }

        /// `nil` when the server said that there is nothing more, but not why.
        public var reason: Reason?
        /// What the producer said about it.
        public var detail: String?

        package init(reason: Reason?, detail: String? = nil) {
            self.reason = reason
            self.detail = detail
        }
    }
}
