/// A request that is answered by a function, which reads the body while it arrives and writes the response while it is
/// made, both at the pace of the peer.
///
/// What streams are made of needs no task for each reader and does not go this way; this is for what is rare or short:
/// another server's response passed on, a probe, an application's own routes.
@available(freshet 0.1, *)
package struct ExchangePlan: Sendable {
    /// The most bytes that the body may have; nil for no bound.
    package var bodyLimit: Int?
    /// Called once. When it returns the response is complete; when it throws before the head was written the peer gets
    /// a problem, after that the connection is cut, so that nobody takes half a response for a whole one.
    ///
    /// Its task is cancelled when the peer leaves, which is noticed without writing, and at the deadline of a drain.
    package var run: @Sendable (RequestBody, ResponseWriter) async throws -> Void

    package init(
        bodyLimit: Int? = nil,
        _ run: @escaping @Sendable (RequestBody, ResponseWriter) async throws -> Void
    ) {
        self.bodyLimit = bodyLimit
        self.run = run
    }
}

/// Why an exchange cannot go on.
@available(freshet 0.1, *)
package enum ExchangeError: Error, Sendable, Equatable {
    /// The peer has closed the connection, or the server has.
    case gone
    /// What came after a part of the body was no HTTP.
    case torn
    /// The server is going away.
    case draining
    /// There is not memory for all that is in flight.
    case overloaded
    /// The body has more bytes than the plan allows.
    case bodyTooLarge(limit: Int)
    /// Nothing of the body came for too long while it was waited for.
    case bodyTimeout
    /// More was written than the head had announced, or less when the function returned.
    case lengthMismatch(announced: Int)
    /// The head was written before.
    case headWritten
    /// A part of the body was written before the head.
    case headMissing
}
