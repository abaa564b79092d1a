public import ServerSentEvents

@available(freshet 0.1, *)
extension EventSource {
    /// How an event source reads, reconnects and gives up.
    public struct Configuration: Sendable {
        /// What a response other than 200 means.
        public enum StatusPolicy: Sendable, Equatable {
            /// 5xx, 408, 425 and 429 are passing and retried, honouring `Retry-After` in seconds, as far as the request
            /// may be sent again (``Configuration-swift.struct/repeatsRequest``); 204 ends the sequence; every other
            /// status is final, 401 after what ``Configuration-swift.struct/headersForAttempt`` says.
            case tolerant
            /// As in browsers (WHATWG HTML, 9.2.3): 204 ends the sequence, every status but 200 is final.
            case browser
        }

        /// Which event types have a meaning of their own.
        public enum Dialect: Sendable, Equatable {
            /// None: every event is delivered as ``Element/event(_:)``.
            case standard
            /// Freshet's: `end`, `gap`, `start` and `reconnect` are delivered as typed elements, and `heartbeat` is
            /// not delivered.
            case freshet
        }

        /// The method, sent as it is written here: methods are case-sensitive. `CONNECT`, `TRACE` and what is no method
        /// end the sequence with ``EventSourceError/Code-swift.enum/invalidRequest`` before anything is sent.
        ///
        /// Redirects do with it what browsers do: 301 and 302 turn a `POST` into a `GET` without the body and the fields
        /// that describe it, 303 does that with every method but `HEAD`, and 307 and 308 keep method and body.
        public var method = "GET"
        /// The bytes of the request's body, whole in memory; `nil` for none. What they are is said by `Content-Type` in
        /// ``headers``. They are sent to another origin too if a 307 or 308 leads there.
        public var body: [UInt8]?
        /// Send the request again after a server has had it, or may have had it. A `GET` without a body is sent again
        /// without this.
        ///
        /// By default another request is sent until a server may have acted on it: it is tried again only while no
        /// connection can be made, and after 408, 425, 429 and 503, by which a server says that it did not act. What
        /// comes then is all there is: a response that ends in good order finishes the sequence, and one that is cut or
        /// falls silent, or a request without a response, throws ``EventSourceError/Code-swift.enum/notRepeated``.
        public var repeatsRequest = false
        /// Header fields sent with each request. `Authorization` and `Cookie` do not follow a redirect to another
        /// origin. `Accept`, `Accept-Encoding`, `Cache-Control` and `Last-Event-ID` are the event source's own and are
        /// ignored here. A field that HTTP cannot carry ends the sequence with
        /// ``EventSourceError/Code-swift.enum/invalidRequest``.
        public var headers: [(name: String, value: String)] = []
        /// Makes header fields anew for each attempt, a token that expires for example. They are sent beside ``headers``,
        /// take the place of those of the same name, and obey the same rules.
        ///
        /// ```swift
        /// configuration.headersForAttempt = { attempt in
        ///     let token = attempt.isAfter401 ? try await tokens.renew() : try await tokens.current()
        ///     return [("Authorization", "Bearer \(token)")]
        /// }
        /// ```
        ///
        /// It is called before each attempt, the first included, by one attempt at a time; where redirects lead, the same
        /// fields are sent. No timeout holds for it, so let it have its own; it is cancelled with the iteration.
        ///
        /// With it, a 401 from the origin of the URL is not final yet: it is called again, with
        /// ``EventSource/Attempt/isAfter401``. Fields other than the refused ones are sent at once, and a 401 to them is
        /// final; the same fields are not sent again, and the first 401 is final. So each attempt makes at most one
        /// more request, and all others come after a wait. A later 401, after any other outcome, is treated the same.
        ///
        /// If it throws, nothing is sent: that is reported as
        /// ``EventSource/Reconnection/Reason-swift.enum/headersFailed(_:)``, and the next attempt, after the wait, calls
        /// it again. To give up then, stop iterating.
        public var headersForAttempt: (@Sendable (Attempt) async throws -> [(name: String, value: String)])?
        /// The id to continue after; empty for none.
        public var lastEventID = ""
        /// Where to start when there is no last event id, sent as the query item `offset`: an offset, `-1` for the
        /// start, `now` for the tail. Freshet reads from the start without it.
        public var startOffset: String?
        /// The wait before the first reconnection, until the server says otherwise with `retry:`.
        public var reconnectionTime = Duration.seconds(2)
        /// The most that repeated failures make the wait grow to. A server may ask for more, up to one hour.
        public var maximumBackoff = Duration.seconds(30)
        /// A connection that was up for this long, or that delivered an event, starts the backoff anew.
        public var backoffResetThreshold = Duration.seconds(60)
        /// Throw ``EventSourceError/Code-swift.enum/gaveUp`` when no connection was open for this long. Never by
        /// default. No wait is longer, whatever the server asks for: the last attempt is made when this is over.
        public var givesUpAfter: Duration?
        /// Reconnect when a connection stays silent for this long, comments included; `nil` waits for ever. Time in
        /// which the event source does not read, because its elements are not taken, does not count.
        public var idleTimeout: Duration? = .seconds(300)
        /// How long the head of a response may take, connecting included.
        public var responseTimeout = Duration.seconds(30)
        /// The longest line and event that are accepted. A longer one ends the sequence with an error, since a
        /// reconnection would meet it again.
        public var limits = EventStreamParser.Limits()
        /// What a response other than 200 means.
        public var statusPolicy = StatusPolicy.tolerant
        /// Which event types have a meaning of their own.
        public var dialect = Dialect.standard
        /// Finish when a response ends in good order, instead of reconnecting. A torn one still reconnects. For
        /// servers that end a finished stream by closing it and know no 204.
        public var stopsAtEndOfBody = false
        /// Deliver comments too; they are servers' heartbeats.
        public var deliversComments = false
        /// How many redirects in a row are followed: 301, 302, 303, 307 and 308.
        public var maximumRedirects = 20

        /// What is asked for, and what a response has to be.
        package var format = BodyFormat.eventStream
        /// The longest line of NDJSON that is accepted.
        package var ndjsonLineBytes = 0

        /// Whether another attempt may send the request again, whatever became of the one before.
        var mayRepeat: Bool { repeatsRequest || (method == "GET" && body == nil) }

        /// The defaults above: any server of event streams.
        public init() {}

        /// For Freshet servers: its event types are understood, three missed heartbeats are a dead connection, and
        /// whatever a server takes as an event can be read.
        public static var freshet: Configuration { freshet(eventBytes: ServerBounds.usualEventBytes) }

        /// For a Freshet server whose setting `event-bytes` was raised.
        ///
        /// - Parameter eventBytes: That setting, in bytes. From it follow ``limits``: an event takes up to three times
        ///   as many bytes in an event stream as its producer sent.
        public static func freshet(eventBytes: Int) -> Configuration {
            var configuration = Configuration()
            let bounds = ServerBounds(eventBytes: eventBytes)
            configuration.limits = EventStreamParser.Limits(
                lineBytes: bounds.eventStreamLine,
                eventBytes: bounds.eventStreamData
            )
            configuration.ndjsonLineBytes = bounds.ndjsonLine
            configuration.dialect = .freshet
            configuration.idleTimeout = .seconds(35)
            return configuration
        }
    }
}
