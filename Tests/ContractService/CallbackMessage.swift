import EventSource
import ServerSentEvents

/// What the service tells the harness about a stream.
@available(freshet 0.1, *)
struct CallbackMessage: Encodable {
    struct Event: Encodable {
        var type: String
        var data: String
        var id: String
    }

    var kind: String
    var event: Event?
    var comment: String?
    var error: String?

    private init(kind: String, event: Event? = nil, comment: String? = nil, error: String? = nil) {
        self.kind = kind
        self.event = event
        self.comment = comment
        self.error = error
    }

    init(error: String) {
        self.init(kind: "error", error: error)
    }

    /// Nil for what the harness is not told.
    init?(_ element: EventSource.Element) {
        switch element {
        case .event(let event):
            let told = Event(type: event.type, data: event.data, id: event.lastEventID)
            self.init(kind: "event", event: told)
        case .comment(let text):
            self.init(kind: "comment", comment: text)
        case .reconnecting(let reconnection):
            switch reconnection.reason {
            // Neither is an error: the one is how a server ends a response, the other is what the harness asked for.
            case .endOfBody, .restarted: return nil
            default: self.init(error: reconnection.reason.description)
            }
        case .opened, .start, .gap, .end: return nil
        }
    }
}
