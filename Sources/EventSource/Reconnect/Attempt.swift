@available(freshet 0.1, *)
extension EventSource {
    /// An attempt that is about to be made, for ``Configuration-swift.struct/headersForAttempt``.
    public struct Attempt: Sendable, Equatable {
        /// 1 for the first attempt of an iteration, then 2, 3 and so on. Attempts for which no fields could be made are
        /// counted, requests that redirects lead to are not.
        public var number: Int
        /// The attempt before was answered 401: the credentials that it sent are not accepted, or not any more.
        public var isAfter401: Bool
        /// The id that the attempt continues after; empty for none.
        public var lastEventID: String

        package init(number: Int, isAfter401: Bool, lastEventID: String) {
            self.number = number
            self.isAfter401 = isAfter401
            self.lastEventID = lastEventID
        }
    }
}
