import EventSource
import ServerSentEvents

/// What the harness asks for with `POST /`.
@available(freshet 0.1, *)
struct StreamParameters: Decodable {
    var streamUrl: String
    var callbackUrl: String
    var initialDelayMs: Int?
    var readTimeoutMs: Int?
    var lastEventId: String?
    var headers: [String: String]?
    var method: String?
    var body: String?

    var configuration: EventSource.Configuration {
        var configuration = EventSource.Configuration()
        // Its largest message is 14 MB on one line.
        configuration.limits = EventStreamParser.Limits(lineBytes: 64 << 20, eventBytes: 64 << 20)
        configuration.deliversComments = true
        configuration.repeatsRequest = true
        if let initialDelayMs { configuration.reconnectionTime = .milliseconds(initialDelayMs) }
        if let readTimeoutMs { configuration.idleTimeout = .milliseconds(readTimeoutMs) }
        if let lastEventId { configuration.lastEventID = lastEventId }
        if let headers { configuration.headers = headers.map { (name: $0.key, value: $0.value) } }
        if let method { configuration.method = method }
        if let body { configuration.body = Array(body.utf8) }
        return configuration
    }
}
