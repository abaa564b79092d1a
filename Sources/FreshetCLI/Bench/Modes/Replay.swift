import ArgumentParser
import AsyncHTTPClient
import FreshetServer
import Locks

/// `freshet bench replay`: readers of a kept stream, from its beginning.
@available(freshet 0.1, *)
struct Replay: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: ReplayMode.name,
        abstract: "Readers of a kept stream, from its beginning to its end.",
        discussion: """
            Fills a stream of its own with --size bytes, ends it, and reads it with --readers connections, each of which begins again \
            when it is through. So this mode has no rate: it is as fast as server and client are. With --url it reads that stream, \
            whose server ends the response, and appends nothing.
            """
    )

    @Option(help: ArgumentHelp("Readers, at most 10000.", valueName: "count"))
    var readers = 4

    @Option(
        help: ArgumentHelp("What the stream holds, at most 4GiB.", valueName: "size"),
        transform: { text in
            guard let bytes = ByteSize.parse(text), (1...4 << 30).contains(bytes) else {
                throw ValidationError("--size is a size from 1 to 4GiB, in bytes or with KiB, MiB or GiB.")
            }
            return bytes
        }
    )
    var size = 10 << 20

    @Option(help: ArgumentHelp("Bytes of an event, 96 to 65536.", valueName: "count"))
    var bytes = 1000

    @OptionGroup var foreign: ForeignOptions
    @OptionGroup var options: BenchOptions

    func validate() throws {
        try BenchOptions.check(readers, 1...10_000, "--readers")
        try BenchOptions.check(bytes, EventMark.leastBytes...65_536, "--bytes")
    }

    func run() async throws {
        let mode = ReplayMode(readers: readers, size: size, bytes: bytes, foreign: foreign.url)
        try await BenchRun(mode: mode, options: options).run()
    }
}

@available(freshet 0.1, *)
struct ReplayMode: BenchMode {
    static let name = "replay"
    /// How much an append of the filling has.
    private static let bodyBytes = 256 << 10
    /// How long is waited for the last replays to end.
    private static let patience = Duration.seconds(30)

    var readers: Int
    var size: Int
    var bytes: Int
    var foreign: String?

    var options: [String: String] {
        foreign == nil
            ? ["readers": "\(readers)", "size": "\(size)", "bytes": "\(bytes)"] : ["readers": "\(readers)"]
    }

    var streamCount: Int { foreign == nil ? 1 : 0 }
    /// The response's connection is closed behind it: the next is there before the system has let go of it.
    var connections: Int { 2 * readers }

    var latencies: [(Measurements.Series, String)] {
        [(.open, "asked to response"), (.whole, "asked to end")]
    }

    /// Events of the stream; at least one.
    private var events: Int { max(1, size / bytes) }

    func run(_ context: BenchContext) async throws {
        let url = foreign ?? context.streams.url(0, of: 1)
        if foreign == nil { try await fill(url, context) }
        let request = try context.reading(url, foreign: foreign != nil)
        let timeline = context.timeline()
        try await context.wait(until: timeline.start)
        let running = Running(readers)
        for _ in 0..<readers { read(request, context, timeline, running) }
        try await context.wait(until: timeline.until)
        let areThrough = try await context.wait(atMost: Self.patience) { running.count == 0 }
        if !areThrough { context.measurements.fail("a replay not through within 30 s of the end", running.count) }
        if context.measurements.histogram(.whole).count == 0 {
            context.measurements.fail("no replay was through: take a smaller --size or a longer --duration")
        }
    }

    private func fill(_ url: String, _ context: BenchContext) async throws {
        let each = max(1, Self.bodyBytes / bytes)
        var (done, number) = (0, 0)
        while done < events {
            let shape = BodyShape(events: min(each, events - done), bytes: bytes)
            try await context.streams.fill(url, BenchContext.body(number, due: BenchClock.now, shape))
            done += shape.events
            number += 1
        }
        try await context.streams.fill(url, [], headers: [("Stream-Closed", "true")])
    }

    /// Reads, and again when that is through, until the end of the measured part.
    private func read(
        _ request: HTTPClient.Request,
        _ context: BenchContext,
        _ timeline: BenchContext.Timeline,
        _ running: Running
    ) {
        let reader = ReplayReader(
            context.measurements,
            begin: BenchClock.now,
            expected: foreign == nil ? events : nil
        ) { isWhole in
            // One that failed is not asked for again: it would be as fast as a refusal is.
            guard isWhole, BenchClock.now < timeline.until, !context.measurements.isOver else { return running.leave() }
            read(request, context, timeline, running)
        }
        _ = context.client.execute(request: request, delegate: reader)
    }

    func figures(_ measurements: Measurements, seconds: Double) -> [BenchResult.Figure] {
        [
            BenchResult.Figure("replays", measurements.count(.finished), seconds),
            BenchResult.Figure("events read", measurements.count(.received), seconds),
            BenchResult.Figure("bytes read", measurements.count(.bytes), seconds),
        ]
    }
}

/// How many readers are at it. Everything shared is behind its mutex.
@available(freshet 0.1, *)
private final class Running: Sendable {
    private let number: Mutex<Int>

    init(_ number: Int) { self.number = Mutex(number) }

    var count: Int { number.withLock { $0 } }

    func leave() { number.withLock { $0 -= 1 } }
}
