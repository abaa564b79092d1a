@available(freshet 0.1, *)
extension DurableStream {
    /// How requests are made, and when they are given up.
    public struct Configuration: Sendable {
        /// Header fields sent with each request: `Authorization`, for example. Fields of the protocol's own and
        /// `Accept-Encoding` are ignored here. A field that HTTP cannot carry makes every request throw
        /// ``DurableStreamError/Code-swift.enum/invalidRequest``.
        public var headers: [(name: String, value: String)] = []
        /// Makes header fields anew for each attempt, a token that expires for example. They are sent beside
        /// ``headers``, take the place of those of the same name, and obey the same rules.
        ///
        /// ```swift
        /// configuration.headersForAttempt = { attempt in
        ///     let token = attempt.isAfter401 ? try await tokens.renew() : try await tokens.current()
        ///     return [("Authorization", "Bearer \(token)")]
        /// }
        /// ```
        ///
        /// After a 401 it is called once more, with ``Attempt/isAfter401``; fields other than the refused ones are
        /// sent at once, and a 401 to them is final. If it throws, nothing is sent, and the attempt counts as one
        /// without a response. No timeout holds for it.
        public var headersForAttempt: (@Sendable (Attempt) async throws -> [(name: String, value: String)])?
        /// How long a response may take, connecting included: the whole of one to a request that writes, the head of
        /// one to a request that reads. A read that waits for news has ``ReadOptions/liveTimeout`` instead.
        public var responseTimeout = Duration.seconds(30)
        /// The longest wait before the second attempt. It doubles with each failure in a row; a wait is anything
        /// between a fifth of it and all of it, so that those who were cut at the same moment do not come back at the
        /// same moment.
        public var retryBase = Duration.milliseconds(250)
        /// The longest wait after many failures, an hour at most. A server may ask for more (`Retry-After`).
        public var retryMaximum = Duration.seconds(15)
        /// A request that writes, and one of a handle, throws ``DurableStreamError/Code-swift.enum/unreachable`` when
        /// it has been repeated for this long without a response to go on with. The last attempt is made when the time
        /// is over.
        public var patience = Duration.seconds(300)

        /// The defaults above, for a server that asks for no credentials or for a bearer token.
        ///
        /// - Parameter bearerToken: Sent as `Authorization: Bearer` with each request.
        public init(bearerToken: String? = nil) {
            if let bearerToken { headers = [(name: "Authorization", value: "Bearer \(bearerToken)")] }
        }
    }

    /// An attempt that is about to be made, for ``Configuration-swift.struct/headersForAttempt``.
    public struct Attempt: Sendable, Equatable {
        /// The request's method, `POST` for example.
        public var method: String
        /// The attempt before was answered 401: the credentials that it sent are not accepted, or not any more.
        public var isAfter401: Bool

        package init(method: String, isAfter401: Bool) {
            self.method = method
            self.isAfter401 = isAfter401
        }
    }
}
