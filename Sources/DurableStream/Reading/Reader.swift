import EventSource

@available(freshet 0.1, *)
extension DurableStream {
    /// Reads the stream from a position to its tail, and then follows it until it ends.
    ///
    /// ```swift
    /// for try await chunk in stream.read(from: kept ?? .start) {
    ///     for value in chunk.values { try handle(value) }
    ///     keep(chunk.nextOffset)
    /// }
    /// ```
    ///
    /// - Parameters:
    ///   - offset: After which position: one that was kept, ``Offset/start`` or ``Offset/now``.
    ///   - options: Whether the stream is followed, and what is accepted.
    public func read(from offset: Offset = .start, _ options: ReadOptions = ReadOptions()) -> Reader {
        Reader(stream: self, offset: offset, options: options)
    }

    /// What a read gives, chunk by chunk; see ``DurableStream/read(from:_:)``.
    ///
    /// Each iterator is a read of its own, which begins when its first chunk is asked for, and whose connection closes
    /// when it goes away or its task is cancelled. It reads from the network only as fast as its chunks are taken.
    ///
    /// Lost connections, torn bodies and passing refusals are not seen: the read goes on after the last chunk, which
    /// was whole. The last chunk of a stream that has ended says how, ``Chunk/end``; a sequence that finishes without
    /// it was to read to the tail only.
    public struct Reader: AsyncSequence, Sendable {
        /// In practice ``DurableStreamError``.
        public typealias Failure = any Error

        let stream: DurableStream
        let offset: Offset
        let options: ReadOptions

        /// A new read.
        public func makeAsyncIterator() -> AsyncIterator {
            AsyncIterator(self)
        }

        /// One read.
        public struct AsyncIterator: AsyncIteratorProtocol {
            /// Ends the reading task with the last copy of the iterator.
            private final class Reading {
                let handoff: Handoff<[Chunk]>
                private let task: Task<Void, Never>

                init(_ reader: Reader) {
                    handoff = Handoff()
                    task = Self.begin(reader, handoff, over: reader.stream.transport)
                }

                private static func begin<Transport: EventSourceTransport>(
                    _ reader: Reader,
                    _ handoff: Handoff<[Chunk]>,
                    over transport: Transport
                ) -> Task<Void, Never> {
                    Task {
                        let exchange = Exchange(configuration: reader.stream.configuration, transport: transport)
                        let driver = ReadDriver(exchange: exchange, options: reader.options, handoff: handoff)
                        do {
                            try await driver.run(try reader.stream.target(), from: reader.offset)
                            handoff.finish(.success(()))
                        } catch {
                            handoff.finish(.failure(error))
                        }
                    }
                }

                func end() {
                    task.cancel()
                    handoff.finish(.success(()))
                }

                deinit {
                    end()
                }
            }

            private enum State {
                case idle(Reader)
                case reading(Reading)
                case finished
            }

            private var state: State
            private var batch: ArraySlice<Chunk> = []

            init(_ reader: Reader) {
                state = .idle(reader)
            }

            /// The next chunk; nil after the last one, and when the task is cancelled.
            ///
            /// - Throws: ``DurableStreamError`` when reading failed for good.
            public mutating func next() async throws -> Chunk? {
                try await next(isolation: #isolation)
            }

            /// The same, on the caller's actor: a loop there takes what has come without a change of the executor.
            ///
            /// - Throws: ``DurableStreamError`` when reading failed for good.
            public mutating func next(isolation actor: isolated (any Actor)?) async throws -> Chunk? {
                if let chunk = batch.popFirst() { return chunk }
                let reading: Reading
                switch state {
                case .idle(let reader):
                    reading = Reading(reader)
                    state = .reading(reading)
                case .reading(let current): reading = current
                case .finished: return nil
                }
                do {
                    if let next = try await reading.handoff.next() {
                        batch = next[...]
                        return batch.popFirst()
                    }
                } catch {
                    state = .finished
                    throw error
                }
                reading.end()
                state = .finished
                return nil
            }
        }
    }
}
