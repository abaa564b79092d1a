@available(freshet 0.1, *)
extension DurableStream {
    /// How a stream is followed.
    public enum Live: Sendable, Equatable {
        /// Not at all: reading ends at the tail.
        case never
        /// As suits the stream: a stream of `application/json` by server-sent events, any other by long-poll; if the
        /// server refuses the one, by the other.
        case automatic
        /// By requests that wait for news.
        case longPoll
        /// By one response that goes on. In text, a carriage return arrives as a line feed: the format knows them as
        /// ends of lines only.
        case serverSentEvents
    }

    /// What is read, and how.
    public struct ReadOptions: Sendable {
        /// How the stream is followed from its tail on.
        public var live = Live.automatic
        /// The longest chunk that is accepted, in bytes; a longer one ends the sequence with
        /// ``DurableStreamError/Code-swift.enum/limitExceeded``. Two chunks are in memory at most.
        public var maximumChunkBytes = 64 << 20
        /// How many events a catch-up read asks for at a time, sent as `limit`. Freshet's own, which otherwise gives
        /// all that there is in one response; with a limit a response ends after about 1 MiB. Other servers have pages
        /// of their own size. `nil` does not ask.
        public var pageEvents: Int? = 10_000
        /// A response that is silent for so long is left: while a body is read, and while one waits for news. Make it
        /// longer than the time that the server lets a long-poll wait (20 s unless set otherwise, with Freshet).
        public var liveTimeout = Duration.seconds(90)
        /// Throw ``DurableStreamError/Code-swift.enum/unreachable`` when there was no response to go on with for this
        /// long. Never by default: a reader comes back when the server does.
        public var givesUpAfter: Duration?

        /// The defaults above.
        public init() {}

        /// The defaults above, followed in another way.
        public init(live: Live) {
            self.live = live
        }
    }
}
