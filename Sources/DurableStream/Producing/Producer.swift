public import EventSource
import TextCodecs

@available(freshet 0.1, *)
extension DurableStream {
    /// Writes a stream: each event is kept once, whatever becomes of connections and of the server.
    ///
    /// ```swift
    /// let producer = try stream.producer(.init(contentType: "application/json"))
    /// for await reading in sensor {
    ///     guard case .open = try await producer.append(json: reading) else { break }
    /// }
    /// let end = try await producer.end()
    /// ```
    ///
    /// Each request carries the protocol's producer fields, and is repeated, byte for byte, until it is answered. What
    /// is appended meanwhile goes out together with the next one. What may pass is repeated (no response, 408, 425,
    /// 429, 5xx but 501 and 505) with back-off, for as long as ``Configuration-swift.struct/patience`` says; any other
    /// refusal is an error that every later call throws, except that a body which is too large or has too many events
    /// is cut into smaller ones. A repetition of what was kept is success.
    ///
    /// What an event is, the stream's type says:
    ///
    /// | type | append |
    /// |---|---|
    /// | `application/json`, `application/x-ndjson` | values: ``append(json:)``, or their text: ``append(bytes:)`` |
    /// | `text/event-stream` | the data and the type of an event: ``append(_:type:)`` |
    /// | other `text/*` | text: ``append(_:type:)``. What goes out together becomes one event |
    /// | everything else | bytes, in a request of their own: ``append(bytes:)`` |
    ///
    /// That somebody else ended or cancelled the stream is a value, ``Standing-swift.enum/ended(_:)``; what went wrong
    /// is thrown. Several tasks may append; each has its events in the order of its calls. A producer that is let go
    /// drops what is not acknowledged, and its lease runs out: end the stream, or ``close()``.
    public final class Producer: Sendable {
        /// Whether there is a stream to append to.
        public enum Standing: Sendable, Equatable {
            /// It takes more.
            case open
            /// It takes no more: somebody ended it, and how.
            case ended(End)
        }

        /// The stream's URL.
        public let url: String
        let kind: StreamKind
        private let contentType: String
        let engine: ProducerEngine

        /// - Parameters:
        ///   - timeToLiveSeconds: What the stream is created with.
        ///   - progress: Told after each response, and after each request without one.
        package init(
            _ stream: DurableStream,
            settings: ProducerMachine<SystemRandomNumberGenerator>.Settings,
            timeToLiveSeconds: Int? = nil,
            identity: ProducerIdentity,
            progress: @escaping @Sendable (_ bytes: Int, _ appends: Int, _ trouble: String?) -> Void = { _, _, _ in }
        ) throws(DurableStreamError) {
            url = try stream.target().url
            kind = settings.kind
            contentType = settings.contentType
            engine = Self.engine(stream, url, settings, timeToLiveSeconds, identity, progress, over: stream.transport)
            engine.start()
        }

        deinit {
            engine.stop()
        }

        private static func engine<Transport: EventSourceTransport>(
            _ stream: DurableStream,
            _ url: String,
            _ settings: ProducerEngine.Machine.Settings,
            _ timeToLiveSeconds: Int?,
            _ identity: ProducerIdentity,
            _ progress: @escaping ProducerEngine.Progress,
            over transport: Transport
        ) -> ProducerEngine {
            let requests = ProducerRequests(
                exchange: Exchange(configuration: stream.configuration, transport: transport),
                url: url,
                settings: settings,
                timeToLiveSeconds: timeToLiveSeconds,
                identity: identity
            )
            return ProducerEngine(settings: settings, progress: progress) { try await requests.send($0) }
        }

        /// The offset of the last event that the server has acknowledged; nil before the first.
        public var acknowledged: Offset? {
            engine.standing.acknowledgedOffset.map(Offset.init(rawValue:))
        }

        /// Whether the stream takes more, as far as this producer was told. Asks nobody.
        ///
        /// - Throws: ``DurableStreamError``: what any other call would throw now.
        public var standing: Standing {
            get throws {
                let standing = engine.standing
                if let end = try ending(standing) { return .ended(end) }
                return .open
            }
        }

        /// Appends an event of text; an empty one is none, except in `text/event-stream`.
        ///
        /// It returns when the event is in line, and waits there only while ``ProducerOptions/maximumPendingBytes``
        /// are not acknowledged. In a task that is cancelled it does not wait. ``flush()`` waits for the
        /// acknowledgement.
        ///
        /// - Parameters:
        ///   - text: The text, or the data of an event.
        ///   - type: The event's type, in a stream of `text/event-stream`: one line without NUL, and none that Freshet
        ///     keeps for itself.
        /// - Throws: ``DurableStreamError``: `invalidInput`, after which the producer goes on, or what ended it.
        @discardableResult
        public func append(_ text: String, type: String? = nil) async throws -> Standing {
            switch kind {
            case .eventStream: return try await put(try block(Array(text.utf8), type: type))
            case .text where type == nil: return try await put(Array(text.utf8))
            case .text: throw invalid("has no types of events")
            case .json, .ndjson: throw invalid("takes values: append(json:)")
            case .binary: throw invalid("takes bytes: append(bytes:)")
            }
        }

        /// Appends one event of bytes: the bytes of a binary stream, the text of one JSON value, the data of an event,
        /// or text in UTF-8. It waits and throws as ``append(_:type:)`` does.
        @discardableResult
        public func append(bytes: [UInt8]) async throws -> Standing {
            switch kind {
            case .binary, .text: return try await put(bytes)
            case .eventStream: return try await put(try block(bytes, type: nil))
            case .json, .ndjson:
                do {
                    try JSONText.validate(bytes)
                } catch {
                    throw DurableStreamError(.invalidInput, "\(url): \(error)")
                }
                return try await put(JSONText.singleLine(bytes) + [UInt8(ascii: "\n")])
            }
        }

        /// Appends bytes as they come, cut anywhere: those of a file or a pipe. What is whole in them goes out: blocks
        /// of an event stream, lines with one JSON value each, text to its last whole character; the rest waits for
        /// more, and what is appended behind half of something becomes a part of it.
        ///
        /// Input that is no such thing ends the producer, after everything before it, and the stream as failed where
        /// ``ProducerOptions/endsAfterRefusal`` says so. It waits and throws as ``append(_:type:)`` does.
        @discardableResult
        public func write(_ bytes: [UInt8]) async throws -> Standing {
            try await put(bytes, isEvent: false)
        }

        /// Waits until everything that was appended is acknowledged: kept, and there for readers. It does not wait for
        /// the rest of what ``write(_:)`` was given half of.
        ///
        /// - Throws: ``DurableStreamError``, or `CancellationError`.
        @discardableResult
        public func flush() async throws -> Standing {
            await engine.wait(for: .flush)
            let standing = engine.standing
            if let end = try ending(standing) { return .ended(end) }
            if !standing.isFlushed { try Task.checkCancellation() }
            return .open
        }

        /// Sends what waits, and ends the stream for good. A second call sends nothing and returns the same.
        ///
        /// - Parameters:
        ///   - reason: `done` or `failed`: to cancel is for others. Servers other than Freshet know no reasons.
        ///   - detail: A text for those who read, up to 1024 bytes; more is cut off.
        /// - Returns: How the stream ended: as asked, or as somebody ended it before.
        /// - Throws: ``DurableStreamError``, also where something that was appended was refused; or
        ///   `CancellationError`, after which the producer, while somebody has it, goes on to end the stream.
        @discardableResult
        public func end(_ reason: End.Reason = .done, detail: String? = nil) async throws -> End {
            guard reason == .done || reason == .failed else {
                throw DurableStreamError(
                    .invalidInput,
                    "a producer ends a stream as `done` or `failed`, not as `\(reason.rawValue)`"
                )
            }
            engine.finish(as: End(reason: reason, detail: detail))
            await engine.wait(for: .outcome)
            let standing = engine.standing
            guard standing.outcome != nil else {
                try Task.checkCancellation()
                preconditionFailure("there is an outcome, or the task is cancelled")
            }
            if let end = try ending(standing) { return end }
            guard let asked = standing.asked else { throw finished() }
            return asked
        }

        /// Sends what waits, and leaves the stream open: for another producer, or for its lease to run out.
        ///
        /// - Throws: ``DurableStreamError``, or `CancellationError`.
        @discardableResult
        public func close() async throws -> Standing {
            engine.finish(as: nil)
            await engine.wait(for: .outcome)
            let standing = engine.standing
            guard standing.outcome != nil else {
                try Task.checkCancellation()
                preconditionFailure("there is an outcome, or the task is cancelled")
            }
            if let end = try ending(standing) { return .ended(end) }
            return standing.asked.map { .ended($0) } ?? .open
        }

        /// Waits until nothing can be appended any more: this producer has ended or closed, or somebody else has ended
        /// the stream. Let it stop what makes the events, when these are slow to come.
        ///
        /// - Returns: How the stream ended; nil where it was left open.
        /// - Throws: ``DurableStreamError``, or `CancellationError`.
        public func waitUntilOver() async throws -> End? {
            await engine.wait(for: .outcome)
            let standing = engine.standing
            if standing.outcome == nil { try Task.checkCancellation() }
            return try ending(standing) ?? standing.asked
        }

        private func put(_ bytes: [UInt8], isEvent: Bool = true) async throws -> Standing {
            let before = engine.standing
            if let end = try ending(before) { return .ended(end) }
            guard !before.isClosed else { throw finished() }
            guard !bytes.isEmpty else { return .open }
            engine.put(bytes, isEvent: isEvent)
            await engine.wait(for: .room)
            return try standing
        }

        private func block(_ data: [UInt8], type: String?) throws -> [UInt8] {
            if let type, Batcher.reservedTypes.contains(type) {
                throw DurableStreamError(.invalidInput, "\(url): Freshet keeps the event type '\(type)' for itself")
            }
            return try EventBlocks.block(data, type: type, url: url)
        }

        private func invalid(_ what: String) -> DurableStreamError {
            DurableStreamError(.invalidInput, "\(url): a stream of \(contentType) \(what)")
        }
    }
}
