import StreamCore

@available(freshet 0.1, *)
extension EventStream {
    /// Writes a stream from beginning to end, as one producer.
    ///
    /// ```swift
    /// try await stream.produce { producer in
    ///     for word in ["Hello", "world"] { try await producer.append(word) }
    /// }
    /// ```
    ///
    /// While the closure runs the stream's lease stands still and the stream does not expire. When it returns the
    /// stream ends `done`. When it throws the stream ends `failed`, and the error is thrown on.
    ///
    /// **Being told to stop.** When the stream ends by anybody else's doing, as by ``cancel()`` or a POST with
    /// `Stream-Cancel: true`, the closure's task is cancelled at once, and this returns the end when the closure has.
    ///
    /// **Being torn away.** When the task that called this is cancelled the stream is left open, as by a producer that
    /// lost its connection: another one may go on, and otherwise its lease (60 s where it has none; see
    /// ``EventStreams/Configuration/tornLease``) ends it `abandoned`.
    ///
    /// - Parameters:
    ///   - name: what the producer calls itself. A newer one of the same name, here or over HTTP (`Stream-Producer`),
    ///     takes over: this one can append no more and throws `superseded`.
    ///   - body: what appends. It runs in a task of its own.
    /// - Returns: how the stream ended.
    /// - Throws: ``EventStreamError`` with the code `notFound` when there is no such stream or it is taken away,
    ///   `ended` when it had ended before, `superseded`, and what the closure throws.
    @discardableResult
    public func produce(
        as name: String? = nil,
        _ body: @escaping @Sendable (EventStreamProducer) async throws -> Void
    ) async throws -> End {
        let check = EventCheck(try await contentType(), limit: home.configuration.eventBytes)
        let sign = StopSign()
        let opened = try await stored { () throws(StoreError) in
            try await home.streams.openProducer(core, label: name) { _ in sign.raise() }
        }
        guard let opened else { throw EventStreamError.notFound(core) }
        let producer = EventStreamProducer(opened, check)
        do {
            try await Self.run(body, producer, until: sign)
        } catch {
            return try await leave(opened, producer, error)
        }
        do throws(EventStreamError) {
            let end = try await producer.finish(EndRequest(.done))
            await opened.finish(isTorn: false)
            return end
        } catch {
            // The closure ended it, or somebody else while it returned.
            await opened.finish(isTorn: error.end == nil)
            guard let end = error.end else { throw error }
            return end
        }
    }

    /// Runs the closure; its task is cancelled when the sign is raised.
    private static func run(
        _ body: @escaping @Sendable (EventStreamProducer) async throws -> Void,
        _ producer: EventStreamProducer,
        until sign: StopSign
    ) async throws {
        try await withThrowingTaskGroup(of: Bool.self) { group in
            group.addTask {
                try await body(producer)
                return true
            }
            group.addTask {
                await sign.wait()
                return false
            }
            let hasReturned = try await group.next() ?? true
            group.cancelAll()
            if hasReturned { return }
            // What the closure comes to once it was told to stop.
            _ = try await group.next()
        }
    }

    /// The closure threw: because the stream stopped, because this task was cancelled, or for a reason of its own.
    private func leave(
        _ opened: StreamingProducer,
        _ producer: EventStreamProducer,
        _ error: any Error
    ) async throws -> End {
        if opened.stop == nil {
            guard !Task.isCancelled else {
                await opened.finish(isTorn: true)
                throw error
            }
            // Refused where something else has stopped the stream meanwhile: `stop` says what, then.
            if (try? await producer.finish(EndRequest(.failed))) != nil {
                await opened.finish(isTorn: false)
                throw error
            }
        }
        let stop = opened.stop
        await opened.finish(isTorn: stop == nil)
        guard let stop else { throw error }
        guard case .ended(let end) = stop else { throw EventStreamProducer.error(stop, core) }
        // Its own words for what went wrong, unless it is the stop itself that it reports.
        guard error is CancellationError || (error as? EventStreamError)?.end != nil || end.reason == .cancelled
        else { throw error }
        return End(end)
    }
}
