@available(freshet 0.1, *)
extension EventSource {
    /// Events between two positions are no longer there, or the position asked for was not one of this stream.
    public struct Gap: Sendable, Equatable {
        /// The position that was asked for, where the server names it.
        public var requested: String?
        /// The position after which delivery goes on.
        public var resumed: String?

        package init(requested: String?, resumed: String?) {
            self.requested = requested
            self.resumed = resumed
        }
    }
}
