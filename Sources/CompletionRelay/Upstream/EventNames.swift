/// What the events of an upstream say by their names, where its kind does not: the words of its setting.
@available(freshet 0.1, *)
package struct EventNames: Sendable, Hashable {
    /// The data of the event that is the last: `last=[DONE]`.
    package var last: String?
    /// The name of the event that is the last: `last-event=RUN_FINISHED`.
    package var lastEvent: String?
    /// The name of events that tell of a failure: `error-event=RUN_ERROR`.
    package var error: String

    package init(last: String? = nil, lastEvent: String? = nil, error: String? = nil) {
        self.last = last
        self.lastEvent = lastEvent
        self.error = error ?? "error"
    }

    /// Whether there is a last word, without which a stream is not whole.
    var hasLast: Bool { last != nil || lastEvent != nil }
}
