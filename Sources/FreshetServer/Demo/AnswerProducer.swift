import StreamCore

/// Writes one answer into its stream, word by word, and ends it.
///
/// It is a producer like any other that a stream can have: it reads nothing back, and it learns that it was stopped
/// from the stream, at once and not at its next word.
struct AnswerProducer: Sendable {
    let streams: Streams
    let name: StreamName
    let words: [String]
    /// Between two words.
    let interval: Duration

    func run(clock: some Clock<Duration>) async {
        let (stops, stop) = AsyncStream<Void>.makeStream()
        let opened = try? await streams.openLive(name, label: nil) { _ in stop.finish() }
        // Nil: the stream is gone already, and so is whoever could have read it.
        guard let live = opened ?? nil else { return }
        await withTaskGroup(of: Void.self) { group in
            group.addTask { for await _ in stops {} }
            group.addTask { await write(to: live, clock) }
            await group.next()
            group.cancelAll()
        }
        await live.finish(isTorn: false)
    }

    private func write<C: Clock<Duration>>(to live: LiveProducer, _ clock: C) async {
        // Each word is due at its own moment, counted from the start, so that waking up late does not add up.
        let start = clock.now
        for (index, word) in words.enumerated() {
            do {
                try await clock.sleep(until: start.advanced(by: interval * index), tolerance: nil)
            } catch {
                return
            }
            let end = index == words.count - 1 ? EndRequest(.done) : nil
            do throws(StoreError) {
                guard case .appended = try await live.append([EventBody(data: [UInt8](word.utf8))], end: end) else {
                    return
                }
            } catch {
                let detail = "The store could not keep the next word."
                _ = try? await live.append([], end: EndRequest(.failed, detail: detail))
                return
            }
        }
    }
}
