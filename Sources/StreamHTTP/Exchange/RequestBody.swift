package import NIOCore

/// The body of a request, as it arrives. One consumer; a peer is read no faster than it is taken.
///
/// - Throws while iterating: `ExchangeError`, or `CancellationError` when the task that waits is cancelled.
@available(freshet 0.1, *)
package struct RequestBody: AsyncSequence, Sendable {
    package typealias Element = ByteBuffer

    let exchange: NIOLoopBound<Exchange>
    let eventLoop: any EventLoop

    package struct AsyncIterator: AsyncIteratorProtocol {
        let body: RequestBody

        package mutating func next() async throws -> ByteBuffer? {
            let (exchange, eventLoop) = (body.exchange, body.eventLoop)
            let read = Exchange.Read()
            return try await withTaskCancellationHandler {
                try await withCheckedThrowingContinuation { continuation in
                    eventLoop.run { exchange.value.begin(read, continuation) }
                }
            } onCancel: {
                eventLoop.run { exchange.value.cancel(read) }
            }
        }
    }

    package func makeAsyncIterator() -> AsyncIterator { AsyncIterator(body: self) }

    /// All of it, when it is small enough to be held.
    package func collect(upTo limit: Int) async throws -> ByteBuffer {
        var whole = ByteBuffer()
        for try await part in self {
            guard whole.readableBytes + part.readableBytes <= limit else {
                throw ExchangeError.bodyTooLarge(limit: limit)
            }
            whole.writeImmutableBuffer(part)
        }
        return whole
    }
}

@available(freshet 0.1, *)
extension EventLoop {
    /// Now, where this is the loop already; otherwise as soon as it comes to it.
    func run(_ body: @escaping @Sendable () -> Void) {
        if inEventLoop { body() } else { execute(body) }
    }
}
