/// A store elsewhere, of which a node says how it stands.
@available(freshet 0.1, *)
package protocol ObservedStore: StreamStore {
    var standing: StoreStanding { get }
    var activity: StoreActivity { get }
}

/// How a store that is elsewhere stands, as this node sees it.
@available(freshet 0.1, *)
package struct StoreStanding: Sendable, Equatable {
    /// Why it cannot be reached now; nil while it can.
    package var trouble: String?
    /// What this node calls itself there.
    package var session: String
    /// Where the server of it is, as `host:port`; nil while it cannot be reached.
    package var server: String?
    /// Bytes of memory that the store uses; nil until it said so.
    package var memory: Int?
    /// Bytes that it may use; nil for no bound, and until it said so.
    package var memoryLimit: Int?

    package init(
        trouble: String?,
        session: String,
        server: String? = nil,
        memory: Int? = nil,
        memoryLimit: Int? = nil
    ) {
        self.trouble = trouble
        self.session = session
        self.server = server
        self.memory = memory
        self.memoryLimit = memoryLimit
    }
}

/// What a node has done with such a store since it was started.
@available(freshet 0.1, *)
package struct StoreActivity: Sendable {
    /// Connections that were made after the first.
    package var reconnects = 0
    package var commands = 0
    /// From sending commands until their replies were there, for each pipeline.
    package var roundTrips = LatencyHistogram()
    /// Streams that this node has looked at because something was due.
    package var swept = 0
    /// Sessions of other nodes that this node has found dead.
    package var buried = 0

    package init() {}
}
