import StreamCore
import StreamHTTP

/// `Last-Event-ID`: the id of the last event that a reader has seen, as an `EventSource` sends it when it comes back.
struct LastEventID: Sendable, Equatable {
    let text: String

    /// Nil without the field, and for an empty one: nothing was seen.
    init?(_ headers: RequestFields) {
        guard let text = headers.first(name: "Last-Event-ID"), !text.isEmpty else { return nil }
        self.text = text
    }

    /// Where the read goes on; nil for what was never an id of a stream here.
    var position: ReadPosition? { Offset(text).map { .after($0) } }
}
