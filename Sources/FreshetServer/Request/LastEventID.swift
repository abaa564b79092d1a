import StreamCore
import StreamHTTP

/// `Last-Event-ID`: the id of the last event that a reader has seen, as an `EventSource` sends it when it comes back.
///
/// Clients that cannot set a header field (polyfills, those of other servers) send it in the query. The field wins: an
/// `EventSource` that comes back sends it, with the URL it began with.
@available(freshet 0.1, *)
struct LastEventID: Sendable, Equatable {
    /// Its names in a query: two spellings of one parameter.
    static let parameters = ["lastEventId", "last_event_id"]

    let text: String

    /// Nil without one, and for an empty one: nothing was seen.
    init?(_ headers: RequestFields, _ target: RequestTarget) {
        let sent = [headers.first(name: "Last-Event-ID")] + Self.parameters.map { target.values($0).first }
        guard let text = sent.lazy.compactMap({ $0 }).first(where: { !$0.isEmpty }) else { return nil }
        self.text = text
    }

    /// Where the read goes on; nil for what was never an id of a stream here.
    var position: ReadPosition? { Offset(text).map { .after($0) } }
}
