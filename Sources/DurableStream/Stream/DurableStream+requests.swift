public import EventSource

@available(freshet 0.1, *)
extension DurableStream {
    /// A final response, and whether it is that to a repetition.
    private struct Answer {
        var response: StreamResponse
        var isRepeated: Bool
    }

    /// Creates the stream, or finds the same one: its type and its times are as they are given here.
    ///
    /// - Parameters:
    ///   - contentType: A media type, which says what an event is: `application/json` is one of values, `text/plain` of
    ///     text, others of bytes. With Freshet there are `text/event-stream` and `application/x-ndjson` too.
    ///   - timeToLive: After so long without a reader or a writer the stream is deleted; whole seconds, rounded up.
    ///   - expiresAt: When it is deleted, in the form of RFC 3339: `2026-12-01T00:00:00Z`. One or the other.
    ///   - lease: After so long without its producer the stream ends as abandoned. Freshet's own; other servers ignore
    ///     it.
    ///   - body: The first bytes, whole events of that type. They are not appended to a stream that is there.
    /// - Throws: ``DurableStreamError`` with `conflict` where there is another stream, and others; `CancellationError`.
    @discardableResult
    public func create(
        contentType: String,
        timeToLive: Duration? = nil,
        expiresAt: String? = nil,
        lease: Duration? = nil,
        body: [UInt8]? = nil
    ) async throws -> Creation {
        var fields = [(name: "Content-Type", value: contentType)]
        if let timeToLive { fields.append((name: "Stream-TTL", value: "\(timeToLive.wholeSeconds)")) }
        if let expiresAt { fields.append((name: "Stream-Expires-At", value: expiresAt)) }
        if let lease { fields.append((name: "Stream-Lease", value: "\(lease.wholeSeconds)")) }
        let answer = try await answer("PUT", fields, body)
        return Creation(isNew: answer.response.status == 201, info: try info(answer.response))
    }

    /// Asks what the stream is and where it stands. It does not count as a read.
    ///
    /// - Throws: ``DurableStreamError`` with `notFound` where there is none, and others; `CancellationError`.
    public func head() async throws -> Info {
        try info(try await answer("HEAD").response)
    }

    /// Deletes the stream and all that it holds. Its readers are told.
    ///
    /// - Throws: ``DurableStreamError`` with `notFound` where there is none, and others; `CancellationError`.
    public func delete() async throws {
        let answer = try await answer("DELETE", accepts: [404])
        // It is gone, and may have been deleted by an attempt whose answer was lost.
        if answer.response.status == 404, !answer.isRepeated { throw DurableStreamError(answer.response, url: url) }
    }

    /// Asks Freshet to stop the stream: it ends as cancelled, and its producers are told. Other servers refuse this.
    ///
    /// - Returns: How the stream ended: `cancelled`, or what it was before.
    /// - Throws: ``DurableStreamError`` with `notFound` where there is none, and others; `CancellationError`.
    @discardableResult
    public func cancel() async throws -> End {
        let response = try await answer("POST", [(name: "Stream-Cancel", value: "true")]).response
        guard let end = response.end else { throw DurableStreamError.foreign(url, status: response.status) }
        return end
    }

    private func info(_ response: StreamResponse) throws(DurableStreamError) -> Info {
        guard let info = Info(response) else { throw DurableStreamError.foreign(url, status: response.status) }
        return info
    }

    private func answer(
        _ method: String,
        _ fields: [(name: String, value: String)] = [],
        _ body: [UInt8]? = nil,
        accepts: Set<Int> = []
    ) async throws -> Answer {
        let target = try target()
        return try await answer(method, target.url, fields, body, accepts, over: transport)
    }

    private func answer<Transport: EventSourceTransport>(
        _ method: String,
        _ url: String,
        _ fields: [(name: String, value: String)],
        _ body: [UInt8]?,
        _ accepts: Set<Int>,
        over transport: Transport
    ) async throws -> Answer {
        let exchange = Exchange(configuration: configuration, transport: transport)
        let request = Exchange<Transport>.Request(method: method, url: url, fields: fields, body: body)
        let begin = ContinuousClock.now
        var retries = Retries(configuration)
        while true {
            let trouble: String
            var least = Duration.zero
            var status: Int?
            do {
                let response = try await exchange.whole(request)
                guard response.isPassing else {
                    guard response.isSuccess || accepts.contains(response.status) else {
                        throw DurableStreamError(response, url: url)
                    }
                    return Answer(response: response, isRepeated: retries.failures > 0)
                }
                (trouble, status) = (response.problem, response.status)
                least = response.retryAfter ?? .zero
            } catch let error as DurableStreamError {
                throw error
            } catch {
                try Task.checkCancellation()
                trouble = TransportTrouble.describe(error)
            }
            let now = ContinuousClock.now - begin
            guard let next = retries.failed(atLeast: least, at: now) else {
                let message = "\(url): gave up after \(configuration.patience.words): \(trouble)"
                throw DurableStreamError(.unreachable, message, status: status)
            }
            try await Task.sleep(for: next - now)
        }
    }
}
