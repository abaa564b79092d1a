/// What one HTTP/2 connection, and one address over HTTP/2, may ask of a server.
@available(freshet 0.1, *)
package struct HTTP2Limits: Sendable, Equatable {
    /// Requests of a connection that are open at one time.
    package var streams: Int
    /// Requests of all HTTP/2 connections of one address that are open at one time; 0 means no bound.
    package var streamsPerAddress: Int
    /// Requests that a connection may take back in a second.
    package var resets: Int
    /// PING, SETTINGS and PRIORITY frames in a second.
    package var controlFrames: Int
    /// Empty DATA frames, one after the other.
    package var emptyFrames: Int

    package init(streams: Int, streamsPerAddress: Int, resets: Int, controlFrames: Int, emptyFrames: Int) {
        self.streams = streams
        self.streamsPerAddress = streamsPerAddress
        self.resets = resets
        self.controlFrames = controlFrames
        self.emptyFrames = emptyFrames
    }
}
