import StreamCore

@available(freshet 0.1, *)
extension EventStream {
    /// Appends an event of text.
    ///
    /// - Parameters:
    ///   - text: what readers get as the event's data.
    ///   - type: the event type; see ``Content/type``.
    /// - Returns: the position just after it.
    /// - Throws: ``EventStreamError`` with the code `ended` when the stream has ended, `notFound`, `invalidEvent`,
    ///   `full`, and those of the store.
    @discardableResult
    public func append(_ text: String, type: String? = nil) async throws(EventStreamError) -> Offset {
        try await append([Content(text, type: type)])
    }

    /// Appends a value as one event of JSON.
    ///
    /// - Returns: the position just after it.
    /// - Throws: as ``append(_:type:)``.
    @discardableResult
    public func append(json value: some Encodable, type: String? = nil) async throws(EventStreamError) -> Offset {
        try await append([Content(json: value, type: type)])
    }

    /// Appends several events in one step: readers see all of them, or none.
    ///
    /// When this returns the events are kept as durably as the storage promises, and no reader saw them before.
    ///
    /// - Parameter contents: at least one event.
    /// - Returns: the position just after the last of them.
    /// - Throws: as ``append(_:type:)``.
    @discardableResult
    public func append(_ contents: [Content]) async throws(EventStreamError) -> Offset {
        let type = try await contentType()
        let events = try EventCheck(type, limit: home.configuration.eventBytes).events(contents)
        return try await change(AppendRequest(contentType: type, events: events)).tail
    }

    /// Ends the stream, for ever.
    ///
    /// - Parameters:
    ///   - reason: `done` or `failed`; ``cancel()`` asks it to stop.
    ///   - detail: what to tell people who read, at most 1024 bytes.
    /// - Returns: how the stream ended. It may have ended before, for another reason.
    /// - Throws: ``EventStreamError`` with the code `notFound`, `invalidOptions`, and those of the store.
    @discardableResult
    public func end(_ reason: End.Reason = .done, detail: String? = nil) async throws(EventStreamError) -> End {
        guard reason == .done || reason == .failed else {
            throw EventStreamError(
                .invalidOptions,
                "A producer ends a stream as `done` or `failed`, not as `\(reason.rawValue)`; use cancel() to stop it."
            )
        }
        return try await finish(EndRequest(reason.core, detail: detail))
    }

    /// Asks the stream to stop: it ends `cancelled`, and every producer of it learns at once, wherever it is.
    ///
    /// - Returns: how the stream ended. It may have ended before, for another reason.
    @discardableResult
    public func cancel() async throws(EventStreamError) -> End {
        try await finish(EndRequest(.cancelled))
    }

    /// Says that the producer is still there, and for how long it may be silent from now on. An append restarts the
    /// lease too, and while ``produce(as:_:)`` runs it stands still.
    ///
    /// - Parameter lease: from one second to a year; fractions of a second are rounded up.
    /// - Throws: ``EventStreamError`` with the code `ended` or `notFound`, and those of the store.
    public func renewLease(_ lease: Duration) async throws(EventStreamError) {
        let seconds = try Options.leaseSeconds(lease)
        let info = try await stored { () throws(StoreError) in
            try await home.streams.renewLease(core, seconds: seconds)
        }
        guard let info else { throw .notFound(core) }
        if let end = info.end { throw .ended(end, core) }
    }

    /// Waits until the stream ends, for whatever reason: so a producer is told of a cancel.
    ///
    /// - Throws: ``EventStreamError`` with the code `notFound` when there is no such stream or it is taken away, and
    ///   `CancellationError` when the task is cancelled.
    public func ended() async throws -> End {
        let cursor = TailCursor()
        home.enter(cursor)
        home.streams.follow(core, cursor)
        defer {
            home.streams.unfollow(core, cursor)
            home.leave(cursor)
        }
        while true {
            try await cursor.changed()
            guard let info = try await info() else { throw EventStreamError.notFound(core) }
            if let end = info.end { return end }
        }
    }

    func contentType() async throws(EventStreamError) -> ContentType {
        let info = try await stored { () throws(StoreError) in try await home.streams.info(core) }
        guard let info else { throw .notFound(core) }
        if let end = info.end { throw .ended(end, core) }
        return info.options.contentType
    }

    private func finish(_ end: EndRequest) async throws(EventStreamError) -> End {
        try Self.check(end)
        do throws(EventStreamError) {
            return Self.recorded(try await change(AppendRequest(end: end)).end)
        } catch {
            guard let end = error.end else { throw error }
            return end
        }
    }

    static func check(_ end: EndRequest) throws(EventStreamError) {
        let bytes = end.detail?.utf8.count ?? 0
        guard bytes <= 1024 else {
            throw EventStreamError(
                .invalidOptions,
                "The detail of an end is \(bytes) bytes; it should be at most 1024."
            )
        }
    }

    private func change(_ request: AppendRequest) async throws(EventStreamError) -> (tail: Offset, end: End?) {
        let outcome = try await stored { () throws(StoreError) in try await home.streams.append(core, request) }
        return try Self.result(of: outcome, core)
    }

    static func result(
        of outcome: AppendOutcome,
        _ name: StreamName
    ) throws(EventStreamError) -> (tail: Offset, end: End?) {
        switch outcome {
        case .appended(let tail, let end, _): return (Offset(tail), end.map(End.init))
        case .notFound: throw .notFound(name)
        case .ended(let end, _, _): throw .ended(end, name)
        // It was made anew, as another, between the look at its type and the append.
        case .typeMismatch(let type):
            throw EventStreamError(.invalidEvent, "The stream \"\(name)\" is of the type `\(type.text)` now.")
        case .fenced, .epochMustStartAtZero, .duplicate, .gap, .sequenceRegression:
            preconditionFailure("an append without a number is refused for its number")
        case .superseded: preconditionFailure("an append that claims nothing loses no claim")
        case .withheld: preconditionFailure("an append is withheld that was to be kept")
        }
    }

    static func recorded(_ end: End?) -> End {
        guard let end else { preconditionFailure("an append with an end was kept without it") }
        return end
    }
}
