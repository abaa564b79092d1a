import StreamCore

/// A producer at work on a stream: what ``EventStream/produce(as:_:)`` lends to its closure.
///
/// Several tasks may append through one; each call is one step in the log, in the order in which they came.
@available(freshet 0.1, *)
public struct EventStreamProducer: Sendable {
    private let producer: StreamingProducer
    private let turnstile: Turnstile
    private let check: EventCheck

    init(_ producer: StreamingProducer, _ check: EventCheck) {
        self.producer = producer
        self.turnstile = Turnstile()
        self.check = check
    }

    /// Appends an event of text.
    ///
    /// - Parameters:
    ///   - text: what readers get as the event's data.
    ///   - type: the event type; see ``EventStream/Content/type``.
    /// - Returns: the position just after it.
    /// - Throws: ``EventStreamError`` with the code `ended` when the stream has ended, such as by a cancel,
    ///   `superseded`, `notFound`, `invalidEvent`, `full`, and those of the store.
    @discardableResult
    public func append(_ text: String, type: String? = nil) async throws(EventStreamError) -> EventStream.Offset {
        try await append([EventStream.Content(text, type: type)])
    }

    /// Appends a value as one event of JSON. Throws as ``append(_:type:)``.
    @discardableResult
    public func append(
        json value: some Encodable,
        type: String? = nil
    ) async throws(EventStreamError) -> EventStream.Offset {
        try await append([EventStream.Content(json: value, type: type)])
    }

    /// Appends several events in one step. Throws as ``append(_:type:)``.
    @discardableResult
    public func append(_ contents: [EventStream.Content]) async throws(EventStreamError) -> EventStream.Offset {
        try await change(try check.events(contents), end: nil).tail
    }

    /// Ends the stream before the closure returns, with another reason than `done` or with words for who reads.
    ///
    /// - Parameters:
    ///   - reason: `done` or `failed`.
    ///   - detail: at most 1024 bytes.
    public func end(_ reason: EventStream.End.Reason, detail: String? = nil) async throws(EventStreamError) {
        guard reason == .done || reason == .failed else {
            throw EventStreamError(
                .invalidOptions,
                "A producer ends a stream as `done` or `failed`, not as `\(reason.rawValue)`."
            )
        }
        _ = try await finish(EndRequest(reason.core, detail: detail))
    }

    func finish(_ end: EndRequest) async throws(EventStreamError) -> EventStream.End {
        try EventStream.check(end)
        return EventStream.recorded(try await change([], end: end).end)
    }

    private func change(
        _ events: EventBatch,
        end: EndRequest?
    ) async throws(EventStreamError) -> (tail: EventStream.Offset, end: EventStream.End?) {
        await turnstile.enter()
        defer { turnstile.leave() }
        let outcome: AppendOutcome?
        do throws(StoreError) {
            outcome = try await producer.append(events, end: end)
        } catch {
            throw EventStreamError(error)
        }
        guard let outcome else { throw Self.error(producer.stop, producer.name) }
        return try EventStream.result(of: outcome, producer.name)
    }

    static func error(_ stop: ProducerStop?, _ name: StreamName) -> EventStreamError {
        switch stop {
        case .ended(let end): .ended(end, name)
        case .removed(.deleted):
            EventStreamError(.notFound, "The stream \"\(name)\" was deleted while it was written.")
        case .removed(.expired):
            EventStreamError(.notFound, "The stream \"\(name)\" expired while it was written.")
        case .superseded:
            EventStreamError(.superseded, "A newer producer of the same name writes the stream \"\(name)\" now.")
        case nil: EventStreamError(.superseded, "This producer of the stream \"\(name)\" has finished.")
        }
    }
}
