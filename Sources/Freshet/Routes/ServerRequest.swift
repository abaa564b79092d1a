import NIOCore
import StreamHTTP

/// A request to one of a program's own routes.
@available(freshet 0.1, *)
public struct ServerRequest: Sendable {
    /// Method, path, header fields and address.
    public let head: RequestHead
    /// What stands in the path where the route has `{name}`, decoded.
    public let parameters: [String: String]
    /// The body, as it arrives.
    public let body: Body

    /// The body of a request, as it arrives. It has one reader, and a peer is read no faster than that reads.
    public struct Body: AsyncSequence, Sendable {
        /// A part of the body, cut as the network cut it.
        public typealias Element = [UInt8]

        let core: RequestBody

        /// Begins to read.
        public func makeAsyncIterator() -> Iterator { Iterator(core: core.makeAsyncIterator()) }

        /// Reads a part at a time.
        public struct Iterator: AsyncIteratorProtocol {
            var core: RequestBody.AsyncIterator

            /// The next part; nil after the last.
            ///
            /// - Throws: an error when the peer leaves, or the body is larger than the route allows. A handler lets it
            ///   through: it becomes the response.
            public mutating func next() async throws -> [UInt8]? {
                try await core.next().map { Array($0.readableBytesView) }
            }
        }

        /// All of the body, at most as much as the route allows.
        public func collect() async throws -> [UInt8] {
            var whole: [UInt8] = []
            for try await part in self { whole += part }
            return whole
        }

        /// All of the body as text. What is not UTF-8 is shown as U+FFFD.
        public func text() async throws -> String { String(decoding: try await collect(), as: UTF8.self) }
    }
}
