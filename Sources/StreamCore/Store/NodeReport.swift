/// What a node says of itself to all nodes of its store: what there is at it now, and what it did since it was started.
@available(freshet 0.1, *)
package struct NodeReport: Hashable, Sendable {
    /// What it calls itself, in 256 bytes of UTF-8 at most.
    package var name: String
    package var version: String
    /// When it was started, in milliseconds since 1970, by its own clock.
    package var started: UInt64
    /// It is being shut down.
    package var isDraining: Bool
    package var connections: Int
    /// Those who follow a stream, in whatever form.
    package var readers: Int
    /// Streaming appends and answers of the relay that are open.
    package var openProducers: Int
    /// Appends, events that they brought, and events written to readers, since it was started.
    package var appends: Int
    package var events: Int
    package var deliveries: Int
    /// Bytes of memory that it holds; nil where the system does not tell.
    package var memory: Int?

    package static let mostNameBytes = 256

    /// - Parameter name: of a longer one only the beginning counts.
    package init(
        name: String,
        version: String,
        started: UInt64,
        isDraining: Bool = false,
        connections: Int = 0,
        readers: Int = 0,
        openProducers: Int = 0,
        appends: Int = 0,
        events: Int = 0,
        deliveries: Int = 0,
        memory: Int? = nil
    ) {
        self.name = Self.beginning(of: name)
        self.version = version
        self.started = started
        self.isDraining = isDraining
        self.connections = connections
        self.readers = readers
        self.openProducers = openProducers
        self.appends = appends
        self.events = events
        self.deliveries = deliveries
        self.memory = memory
    }

    private static func beginning(of name: String) -> String {
        var name = name[...]
        while name.utf8.count > mostNameBytes { name.unicodeScalars.removeLast() }
        return String(name)
    }
}

/// A node that lives, as any node of its store sees it.
@available(freshet 0.1, *)
package struct LivingNode: Hashable, Sendable {
    /// What the store calls it.
    package var session: String
    /// It is the node that was asked.
    package var isSelf: Bool
    package var report: NodeReport
    /// How long ago it said that.
    package var age: Duration

    package init(session: String, isSelf: Bool, report: NodeReport, age: Duration) {
        self.session = session
        self.isSelf = isSelf
        self.report = report
        self.age = age
    }
}
