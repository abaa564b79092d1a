import Locks
import Logging
import PrintableText
import StreamHTTP

/// Takes what waits in the queue to a collector: every five seconds, or as soon as there is as much as one export has.
///
/// One export is under way at a time. One that the collector does not take is tried again for a minute; meanwhile the
/// queue fills, and what finds no room there is dropped.
@available(freshet 0.1, *)
final class SpanExporter: Sendable {
    static let interval = Duration.seconds(5)
    /// What a server that stops waits at most.
    static let patience = Duration.seconds(2)

    private let queue: SpanQueue
    private let logger: Logger
    private let clock: any Clock<Duration>
    private let export: @Sendable ([FinishedSpan]) async -> CollectorAnswer
    private let part: @Sendable () -> Double
    private let task = Mutex<Task<Void, Never>?>(nil)
    /// It was said that nothing is taken.
    private let isFailing = Mutex(false)

    /// - Parameters:
    ///   - logger: told once when spans are not taken, and once when they are again.
    ///   - part: of the usual time between two tries, from 0.5 to 1.
    ///   - export: calls the collector with some spans.
    init(
        of queue: SpanQueue,
        logger: Logger,
        clock: any Clock<Duration> = EventLoopClock(),
        part: @escaping @Sendable () -> Double = { .random(in: 0.5...1) },
        export: @escaping @Sendable ([FinishedSpan]) async -> CollectorAnswer
    ) {
        self.queue = queue
        self.logger = logger
        self.clock = clock
        self.part = part
        self.export = export
    }

    func begin() {
        task.withLock { $0 = Task { await run() } }
    }

    /// Exports what is there, each batch tried once more, and drops what is not taken within two seconds.
    func end() async {
        queue.close()
        guard let task = task.withLock(\.self) else { return }
        await withTaskGroup(of: Void.self) { group in
            group.addTask { await task.value }
            group.addTask { [clock] in try? await clock.sleep(for: Self.patience) }
            await group.next()
            task.cancel()
            group.cancelAll()
        }
        let lost = queue.dropAll()
        guard lost > 0 else { return }
        logger.warning("Spans were not exported before the end.", metadata: ["spans": .stringConvertible(lost)])
    }

    private func run() async {
        while true {
            await pause(for: Self.interval) { await $0.untilFull() }
            while !Task.isCancelled, let spans = queue.take() { await send(spans) }
            if queue.isClosed || Task.isCancelled { return }
        }
    }

    private func send(_ spans: [FinishedSpan]) async {
        var patience = ExportPatience()
        while true {
            let isLast = queue.isClosed
            switch await export(spans) {
            case .taken(let rejected):
                queue.lose(min(rejected, spans.count))
                return tellSuccess()
            case .refused(let why):
                queue.lose(spans.count)
                return tellFailure(why)
            case .again where Task.isCancelled: return queue.lose(spans.count)
            case .again(let asked, let why):
                tellFailure(why)
                guard !isLast, let wait = patience.wait(asked: asked, part: part()) else {
                    return queue.lose(spans.count)
                }
                await pause(for: wait) { await $0.untilClosed() }
            }
        }
    }

    /// Returns after a time, or when the queue says so before.
    private func pause(for time: Duration, _ unless: @escaping @Sendable (SpanQueue) async -> Void) async {
        await withTaskGroup(of: Void.self) { group in
            group.addTask { [clock] in try? await clock.sleep(for: time) }
            group.addTask { [queue] in await unless(queue) }
            await group.next()
            group.cancelAll()
        }
    }

    private func tellFailure(_ why: String) {
        let isFirst = isFailing.withLock { isFailing in
            defer { isFailing = true }
            return !isFailing
        }
        guard isFirst else { return }
        logger.warning("Spans cannot be exported.", metadata: ["why": "\(PrintableText.escaped(why))"])
    }

    private func tellSuccess() {
        let isRecovery = isFailing.withLock { isFailing in
            defer { isFailing = false }
            return isFailing
        }
        guard isRecovery else { return }
        logger.notice("Spans are exported again.", metadata: ["dropped": .stringConvertible(queue.dropped)])
    }
}
