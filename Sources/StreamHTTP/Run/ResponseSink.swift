package import NIOCore

/// Where the response to one request goes: an HTTP/1.1 connection, or the writer of another server. It belongs to an
/// event loop.
@available(freshet 0.1, *)
package protocol ResponseSink: AnyObject {
    /// How the parts of a body of unknown length are told apart. Parts come framed, so that all readers of a stream may
    /// share one buffer.
    var framing: BodyFraming { get }
    /// Whether more should be written now.
    var isWritable: Bool { get }
    /// The bytes of responses that the peer, or its kernel, has taken so far. It only grows: a peer that is slow moves
    /// it, one that is stalled does not.
    var bytesTaken: UInt64 { get }
    /// The bytes of responses that were written here so far, taken or not. It only grows.
    var bytesSent: UInt64 { get }
    /// Whether what waits here is the buffer that was sent, and not a copy of its bytes.
    var sharesBytes: Bool { get }

    /// A whole response.
    func send(_ response: Response)
    /// The head of a response whose body follows, with the first part of it. Returns how many bytes that is.
    @discardableResult
    func send(_ head: ResponseHead, _ part: ByteBuffer) -> Int
    /// A part of the body. False when not all of it was taken at once.
    @discardableResult
    func send(_ part: ByteBuffer) -> Bool
    /// A part of the body whose bytes so many readers share, each of whom holds its part of them.
    @discardableResult
    func send(_ part: ByteBuffer, sharedBy readers: Int) -> Bool
    /// The response is at its end.
    ///
    /// - Parameter isComplete: false when its body is not, and the peer must see that: what was sent reaches it, and
    ///   nothing that could be taken for the end.
    func finish(isComplete: Bool)
    /// Nobody is answered any more: what was sent may be lost.
    ///
    /// - Parameter reset: where it can, as a machine does whose program died.
    func abort(reset: Bool)
}

@available(freshet 0.1, *)
extension ResponseSink {
    package var sharesBytes: Bool { true }

    package func send(_ part: ByteBuffer, sharedBy readers: Int) -> Bool { send(part) }
}

/// The head of a response whose body follows in parts.
@available(freshet 0.1, *)
package struct ResponseHead: Sendable {
    package var status: Int
    package var headers: [HeaderField]
    /// The body's length in bytes; nil when it is not known.
    package var length: Int?

    package init(_ status: Int, headers: [HeaderField], length: Int? = nil) {
        self.status = status
        self.headers = headers
        self.length = length
    }
}

/// The transport of one request: what its `RequestRun` needs of it beside the response's way out.
@available(freshet 0.1, *)
package protocol RequestTransport: ResponseSink {
    /// The peer's address, without the port; empty where it is not known.
    var peerAddress: String { get }
    /// Whether more of the body is wanted, which `RequestRun.wantsBody` says, may have changed.
    func bodyWantChanged()
    /// The body is welcome: a peer that waits for a word before it sends it is told (`100 Continue`).
    func sendContinue()
    /// The response may take long: from now on it should be seen when the peer leaves.
    func responseWaits()
    /// The response goes on for as long as a stream does, and is the last thing on this way.
    func responseStreams()
}
