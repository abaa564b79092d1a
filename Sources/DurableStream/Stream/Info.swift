public import EventSource

@available(freshet 0.1, *)
extension DurableStream {
    /// How a stream ended: whether it is `done`, `failed`, `cancelled` or `abandoned`, and what its producer said.
    ///
    /// The reason is nil where a server only says that the stream is closed: others than Freshet know no reasons.
    public typealias End = EventSource.End

    /// What a server says of a stream, without its bytes.
    public struct Info: Sendable, Equatable {
        /// The type of the stream, as its creator gave it.
        public var contentType: String?
        /// The tail: where the next event will come after.
        public var nextOffset: Offset
        /// Where reading may begin, if that is not the start: retention has trimmed what was before. Freshet's own.
        public var earliestOffset: Offset?
        /// After so long without a reader or a writer the stream is deleted; other servers tell what is left of it.
        public var timeToLive: Duration?
        /// When the stream is deleted, in the form of RFC 3339.
        public var expiresAt: String?
        /// After so long without its producer the stream ends as abandoned. Freshet's own.
        public var lease: Duration?
        /// How the stream ended; nil while it is open.
        public var end: End?

        init?(_ response: StreamResponse) {
            guard let offset = response.nextOffset else { return nil }
            let seconds = { (name: String) in response.header(name).flatMap { Int64($0) }.map { Duration.seconds($0) } }
            contentType = response.header("content-type")
            nextOffset = Offset(rawValue: offset)
            earliestOffset = response.header("stream-earliest-offset").map(Offset.init(rawValue:))
            timeToLive = seconds("stream-ttl")
            expiresAt = response.header("stream-expires-at")
            lease = seconds("stream-lease")
            end = response.end
        }
    }

    /// What became of ``create(contentType:timeToLive:expiresAt:lease:body:)``.
    public struct Creation: Sendable, Equatable {
        /// The stream was not there before. False also where the answer to a first attempt was lost.
        public var isNew: Bool
        /// The stream as it is now.
        public var info: Info
    }
}
