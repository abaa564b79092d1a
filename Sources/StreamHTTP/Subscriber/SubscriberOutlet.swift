import NIOCore

/// The connection of a subscriber, as far as a subscriber sees it.
protocol SubscriberOutlet: AnyObject {
    var isWritable: Bool { get }
    /// Bytes that were sent and that the peer, or its kernel, has not taken.
    var unsentBytes: Int { get }
    /// Writes and flushes.
    /// False when the connection did not take all of it at once.
    @discardableResult
    func send(_ buffer: ByteBuffer) -> Bool
    /// The body is complete: tells the peer, and closes once it has had the time to read it.
    func finishStream()
    /// Closes without a word: the peer resumes by its last id.
    func abort()
}
