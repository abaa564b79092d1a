public import ServerSentEvents

@available(freshet 0.1, *)
extension EventSource {
    /// What an event source delivers, in the order it happened.
    public enum Element: Sendable, Equatable {
        /// A connection is open: status 200 and the right content type.
        case opened
        /// An event. Those with an id arrive once, in order, over any number of connections, as far as the server
        /// continues after the id it is given.
        case event(ServerSentEvent)
        /// A comment; only with ``Configuration-swift.struct/deliversComments``.
        case comment(String)
        /// There is no connection, and the next attempt follows after the delay.
        case reconnecting(Reconnection)
        /// Freshet: the position at which a read from `now` began, before any event was seen.
        case start(offset: String)
        /// Freshet: what follows does not continue what was delivered before. Discard that and begin anew.
        case gap(Gap)
        /// Freshet: the stream ended. The sequence finishes after it.
        case end(End)
    }
}
