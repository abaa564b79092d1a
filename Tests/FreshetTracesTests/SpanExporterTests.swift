import Locks
import StoreSuite
import Testing

@testable import FreshetTraces

@Suite("Exporting spans", .timeLimit(.minutes(1)))
struct SpanExporterTests {
    private let queue = SpanQueue()
    private let clock = HeldClock()
    private let log = NotedLog()

    /// A collector: it answers as it is told to, and then takes everything.
    private final class Collector: Sendable {
        private let answers: Mutex<[CollectorAnswer]>
        private let calls = Mutex<[[FinishedSpan]]>([])
        /// It takes a call and never answers.
        private let hangs: Bool

        init(_ answers: CollectorAnswer..., hangs: Bool = false) {
            self.answers = Mutex(answers)
            self.hangs = hangs
        }

        var sizes: [Int] { calls.withLock { $0.map(\.count) } }

        func answer(_ spans: [FinishedSpan]) async -> CollectorAnswer {
            calls.withLock { $0.append(spans) }
            if hangs {
                while !Task.isCancelled { await Task.yield() }
                return .again(after: nil, "cancelled")
            }
            return answers.withLock { $0.isEmpty ? .taken() : $0.removeFirst() }
        }

        func until(_ count: Int) async { while sizes.count < count { await Task.yield() } }
    }

    private func exporter(_ collector: Collector) -> SpanExporter {
        let exporter = SpanExporter(
            of: queue,
            logger: log.logger,
            clock: clock,
            part: { 1 },
            export: { await collector.answer($0) }
        )
        exporter.begin()
        return exporter
    }

    private func put(_ count: Int) { for number in 1...UInt64(count) { queue.put(.made(number)) } }

    /// Puts spans while the exporter waits for its next time, and lets that come: they are one export.
    private func exportInterval(_ count: Int) async {
        while clock.times != [SpanExporter.interval] { await Task.yield() }
        put(count)
        await clock.pass(SpanExporter.interval)
    }

    @Test("is done every five seconds, with what there is, and not for nothing")
    func interval() async {
        let collector = Collector()
        let exporter = exporter(collector)
        await clock.pass(SpanExporter.interval)
        await clock.pass(SpanExporter.interval)
        #expect(collector.sizes.isEmpty)
        await exportInterval(3)
        await collector.until(1)
        #expect(collector.sizes == [3])
        await exporter.end()
        #expect(queue.dropped == 0 && log.messages.isEmpty)
    }

    @Test("is done as soon as there are as many as one export has")
    func full() async {
        let collector = Collector()
        let exporter = exporter(collector)
        put(SpanQueue.batch)
        await collector.until(1)
        #expect(collector.sizes == [SpanQueue.batch])
        await exporter.end()
    }

    @Test("takes no more than one export has at a time, and drops what finds no room")
    func bound() async {
        let collector = Collector()
        put(SpanQueue.most + 10)
        #expect(queue.dropped == 10)
        let exporter = exporter(collector)
        await collector.until(4)
        #expect(collector.sizes == [512, 512, 512, 512])
        await exporter.end()
        // Nothing comes behind the end.
        queue.put(.made())
        #expect(queue.dropped == 11)
    }

    @Test("what a collector does not take is tried again when it says so, or less and less often; the log says it once")
    func again() async {
        let collector = Collector(
            .again(after: .seconds(7), "it answered 429"),
            .again(after: nil, "it answered 503"),
            .again(after: nil, "it answered 503")
        )
        let exporter = exporter(collector)
        put(2)
        await clock.pass(SpanExporter.interval)
        await clock.pass(.seconds(7))
        // The first wait that is not asked for counts as the second: by then it has failed twice.
        await clock.pass(.seconds(2))
        await clock.pass(.seconds(4))
        await collector.until(4)
        #expect(collector.sizes == [2, 2, 2, 2])
        while log.messages.count < 2 { await Task.yield() }
        #expect(log.messages == ["Spans cannot be exported. it answered 429", "Spans are exported again. "])
        #expect(queue.dropped == 0)
        await exporter.end()
    }

    @Test("waits for its time between two tries, also when more spans come meanwhile")
    func patience() async {
        let collector = Collector(.again(after: .seconds(9), "it answered 503"))
        let exporter = exporter(collector)
        put(SpanQueue.batch)
        await collector.until(1)
        while clock.times != [.seconds(9)] { await Task.yield() }
        put(SpanQueue.batch)
        for _ in 0..<100 { await Task.yield() }
        #expect(collector.sizes.count == 1)
        await clock.pass(.seconds(9))
        await collector.until(3)
        await exporter.end()
    }

    @Test("what is refused is dropped, and so is what is rejected, or is not taken for a minute")
    func refused() async {
        let collector = Collector(
            .refused("it answered 400"),
            .taken(rejected: 2),
            .again(after: .seconds(61), "it answered 503")
        )
        let exporter = exporter(collector)
        for count in [3, 5, 4] { await exportInterval(count) }
        await collector.until(3)
        await exporter.end()
        #expect(collector.sizes == [3, 5, 4])
        #expect(queue.dropped == 3 + 2 + 4)
    }

    @Test("what is there at the end is exported, each once more")
    func end() async {
        let collector = Collector(.again(after: .seconds(9), "it answered 503"), .again(after: nil, "it answered 503"))
        let exporter = exporter(collector)
        put(SpanQueue.batch)
        await collector.until(1)
        put(7)
        while clock.times != [.seconds(9)] { await Task.yield() }
        await exporter.end()
        #expect(collector.sizes == [512, 512, 7])
        #expect(queue.dropped == 512)
    }

    @Test("a collector that does not answer keeps no server from ending")
    func hanging() async {
        let collector = Collector(hangs: true)
        let exporter = exporter(collector)
        put(SpanQueue.batch)
        await collector.until(1)
        put(5)
        async let ended: Void = exporter.end()
        await clock.pass(SpanExporter.patience)
        await ended
        #expect(queue.dropped == 517)
        #expect(log.messages.last == "Spans were not exported before the end. ")
    }

    @Test(
        "a status says whether an export is tried again",
        arguments: [
            (200, nil, .taken(rejected: 1)), (202, nil, .taken(rejected: 1)),
            (429, "3", .again(after: .seconds(3), "it answered 429")),
            (502, nil, .again(after: nil, "it answered 502")), (503, "0", .again(after: .zero, "it answered 503")),
            (504, "Wed, 21 Oct 2015 07:28:00 GMT", .again(after: nil, "it answered 504")),
            (503, "-1", .again(after: nil, "it answered 503")), (500, "3", .refused("it answered 500")),
            (400, nil, .refused("it answered 400")), (401, nil, .refused("it answered 401")),
            (307, nil, .refused("it answered 307")),
        ] as [(Int, String?, CollectorAnswer)]
    )
    func statuses(status: Int, retryAfter: String?, answer: CollectorAnswer) {
        #expect(CollectorAnswer(status: status, retryAfter: retryAfter, rejected: 1) == answer)
    }

    @Test("tries come a second apart at first, then less often, for a minute")
    func backOff() {
        var patience = ExportPatience()
        var waits: [Duration] = []
        while let wait = patience.wait(asked: nil, part: 1) { waits.append(wait) }
        #expect(waits == [1, 2, 4, 8, 16].map { .seconds($0) })
        var half = ExportPatience()
        #expect(half.wait(asked: nil, part: 0.5) == .milliseconds(500))
        #expect(half.wait(asked: .seconds(61), part: 0.5) == nil)
    }
}
