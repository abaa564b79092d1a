public import EventSource
import TextCodecs

@available(freshet 0.1, *)
extension DurableStream {
    /// Begins to write the stream: unless told otherwise it is created in the background, and what is appended
    /// meanwhile waits.
    ///
    /// - Throws: ``DurableStreamError`` with `invalidURL` or `invalidRequest`; what the server says is thrown by the
    ///   producer.
    public func producer(_ options: ProducerOptions = ProducerOptions()) throws -> Producer {
        if let trouble = options.trouble { throw DurableStreamError(.invalidRequest, trouble) }
        return try Producer(
            self,
            settings: options.settings(configuration),
            timeToLiveSeconds: options.timeToLive.map { Int($0.wholeSeconds) },
            identity: options.identity ?? ProducerIdentity(id: RandomToken.text(), epoch: 0)
        )
    }

    /// Writes the stream from beginning to end: it ends as done when the closure returns, and as failed when it throws.
    /// It waits until the server has taken that in.
    ///
    /// ```swift
    /// try await stream.produce { producer in
    ///     for try await token in answer {
    ///         guard case .open = try await producer.append(token) else { break }  // somebody pressed Stop
    ///     }
    /// }
    /// ```
    ///
    /// - Returns: How the stream ended: done, or as somebody ended it before.
    /// - Throws: What the closure throws; ``DurableStreamError``, `CancellationError`.
    @discardableResult
    public func produce(
        _ options: ProducerOptions = ProducerOptions(),
        _ body: (Producer) async throws -> Void
    ) async throws -> End {
        let producer = try producer(options)
        do {
            try await body(producer)
        } catch {
            // What led here is what is thrown; that the stream could not be ended too says less. Readers are not told
            // what was wrong: that may be a secret.
            _ = await Task { try await producer.end(.failed) }.result
            throw error
        }
        // Readers are told of the end by a task that is cancelled as well.
        return try await Task { try await producer.end() }.value
    }
}
