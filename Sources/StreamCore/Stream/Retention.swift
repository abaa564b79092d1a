/// How much of a stream is kept; what is over is taken from its start. Nil means without bound.
@available(freshet 0.1, *)
package struct Retention: Hashable, Sendable {
    /// Events older than this are taken.
    package var seconds: Int?
    /// The most bytes of event data.
    package var bytes: Int?
    /// The most events.
    package var events: Int?

    package init(seconds: Int? = nil, bytes: Int? = nil, events: Int? = nil) {
        self.seconds = seconds
        self.bytes = bytes
        self.events = events
    }

    package static let everything = Retention()
}
