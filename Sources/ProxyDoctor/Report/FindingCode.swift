/// What can be found between a client and a server.
@available(freshet 0.1, *)
package enum FindingCode: String, Sendable, Hashable, CaseIterable {
    /// Events arrive as they are sent.
    case live = "LIVE"
    /// Nothing arrives before the response is over.
    case fullBuffer = "FULL_BUFFER"
    /// Events arrive in batches, by size or by time.
    case buffer = "BUFFER"
    /// Events arrive in batches when the response is compressed.
    case compressionBuffer = "COMPRESSION_BUFFER"
    /// The head of the response waits for the first byte of its body.
    case headersHeld = "HEADERS_HELD"
    /// Each event arrives with the next one.
    case oneEventBehind = "ONE_EVENT_BEHIND"
    /// The last hop speaks HTTP/1.0 to the server.
    case http10Upstream = "HTTP10_UPSTREAM"
    /// A silent stream is cut.
    case idleCut = "IDLE_CUT"
    /// Every stream is cut, silent or not.
    case durationCap = "DURATION_CAP"
    /// A response to one request was given to another.
    case replayedFromCache = "REPLAYED_FROM_CACHE"
    /// Several readers got one response.
    case sharedResponse = "SHARED_RESPONSE"
    /// A header field that resuming needs does not arrive.
    case stripped = "STRIPPED"
    /// A response that was torn looks whole.
    case deathLooksClean = "DEATH_LOOKS_CLEAN"
    /// That a reader left is seen only when something is written to it, or never.
    case disconnectOnWrite = "DISCONNECT_ON_WRITE"
    /// Only so many streams are open at a time.
    case concurrency = "CONCURRENCY"
    /// A response is compressed though none was asked for.
    case unaskedCoding = "UNASKED_CODING"
    /// The body of a request arrives when it is whole.
    case uploadBuffered = "UPLOAD_BUFFERED"
}
