@available(freshet 0.1, *)
extension EventSource {
    /// One subscription; see ``EventSource``.
    public struct AsyncIterator: AsyncIteratorProtocol {
        /// Ends the subscription's task with the last copy of the iterator.
        private final class Subscription {
            let handoff = Handoff<[Element]>()
            private let restart = RestartSignal()
            private let subscriptions: Subscriptions
            private let task: Task<Void, Never>

            init(
                url: String,
                configuration: Configuration,
                transport: any EventSourceTransport,
                subscriptions: Subscriptions
            ) {
                self.subscriptions = subscriptions
                subscriptions.add(restart)
                task = Self.read(url, configuration, transport, handoff, restart)
            }

            private static func read(
                _ url: String,
                _ configuration: Configuration,
                _ transport: some EventSourceTransport,
                _ handoff: Handoff<[Element]>,
                _ restart: RestartSignal
            ) -> Task<Void, Never> {
                Task {
                    let driver = ConnectionDriver(
                        configuration: configuration,
                        transport: transport,
                        handoff: handoff,
                        restart: restart
                    )
                    do {
                        try await driver.run(url: url)
                        handoff.finish(.success(()))
                    } catch {
                        handoff.finish(.failure(error))
                    }
                }
            }

            func end() {
                subscriptions.remove(restart)
                task.cancel()
                handoff.finish(.success(()))
            }

            deinit {
                end()
            }
        }

        private enum State {
            case idle(
                url: String,
                configuration: Configuration,
                transport: any EventSourceTransport,
                subscriptions: Subscriptions
            )
            case subscribed(Subscription)
            case finished
        }

        private var state: State
        private var batch: ArraySlice<Element> = []

        init(
            url: String,
            configuration: Configuration,
            transport: any EventSourceTransport,
            subscriptions: Subscriptions
        ) {
            state = .idle(url: url, configuration: configuration, transport: transport, subscriptions: subscriptions)
        }

        /// The next element; nil when the stream has ended, or the task is cancelled.
        ///
        /// - Throws: ``EventSourceError`` when the subscription failed for good.
        public mutating func next() async throws -> Element? {
            try await next(isolation: #isolation)
        }

        /// The same, on the caller's actor: a loop there takes what has come without a change of the executor.
        ///
        /// - Throws: ``EventSourceError`` when the subscription failed for good.
        public mutating func next(isolation actor: isolated (any Actor)?) async throws -> Element? {
            if let element = batch.popFirst() { return element }
            let subscription: Subscription
            switch state {
            case .idle(let url, let configuration, let transport, let subscriptions):
                subscription = Subscription(
                    url: url,
                    configuration: configuration,
                    transport: transport,
                    subscriptions: subscriptions
                )
                state = .subscribed(subscription)
            case .subscribed(let current):
                subscription = current
            case .finished:
                return nil
            }
            do {
                if let next = try await subscription.handoff.next() {
                    batch = next[...]
                    return batch.popFirst()
                }
            } catch {
                state = .finished
                throw error
            }
            subscription.end()
            state = .finished
            return nil
        }
    }
}
