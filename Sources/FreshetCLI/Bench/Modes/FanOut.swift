import ArgumentParser

/// `freshet bench fan-out`: one stream, many readers.
@available(freshet 0.1, *)
struct FanOut: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: FanOutMode.name,
        abstract: "One stream, many readers: how late each of them has each event.",
        discussion: """
            Appends --rate events a second to a stream of its own, and follows it with --readers connections. Latency is from when an \
            event was due to when a reader has it. With --url it appends nothing, and tells what passes between the events of that \
            stream, or the latency of those that another 'freshet bench' on this machine appended.
            """
    )

    @Option(help: ArgumentHelp("Readers, at most 100000.", valueName: "count"))
    var readers = 100

    @Option(help: ArgumentHelp("Events a second, at most 100000.", valueName: "count"))
    var rate = 100.0

    @Option(help: ArgumentHelp("Bytes of an event, 96 to 65536.", valueName: "count"))
    var bytes = 100

    @Option(help: ArgumentHelp("Connections that append, at most 1000.", valueName: "count"))
    var connections = 4

    @OptionGroup var foreign: ForeignOptions
    @OptionGroup var options: BenchOptions

    func validate() throws {
        try BenchOptions.check(readers, 1...100_000, "--readers")
        try BenchOptions.check(rate: rate, 100_000, "--rate")
        try BenchOptions.check(bytes, EventMark.leastBytes...65_536, "--bytes")
        try BenchOptions.check(connections, 1...1000, "--connections")
    }

    func run() async throws {
        let mode = FanOutMode(
            readers: readers,
            rate: rate,
            shape: BodyShape(bytes: bytes),
            appenders: connections,
            foreign: foreign.url
        )
        try await BenchRun(mode: mode, options: options).run()
    }
}

@available(freshet 0.1, *)
struct FanOutMode: BenchMode {
    static let name = "fan-out"

    var readers: Int
    var rate: Double
    var shape: BodyShape
    var appenders: Int
    var foreign: String?

    var options: [String: String] {
        guard foreign == nil else { return ["readers": "\(readers)"] }
        return [
            "readers": "\(readers)", "rate": BenchSettings.text(rate), "bytes": "\(shape.bytes)",
            "connections": "\(appenders)",
        ]
    }

    var streamCount: Int { foreign == nil ? 1 : 0 }
    var connections: Int { readers + (foreign == nil ? appenders : 0) }

    var latencies: [(Measurements.Series, String)] {
        [(.delivery, "due to read"), (.acknowledgement, "due to acknowledged"), (.between, "between events")]
    }

    func run(_ context: BenchContext) async throws { try await run(context, beside: []) }

    /// - Parameter others: Further readers of the same stream, which are opened first; what they read is not waited for.
    func run(_ context: BenchContext, beside others: [FollowingReader]) async throws {
        let url = foreign ?? context.streams.url(0, of: 1)
        let request = try context.reading(url, foreign: foreign != nil)
        let now = BenchClock.now
        let own = (0..<readers).map { _ in FollowingReader(context.measurements, due: now) }
        try await context.open(others + own) { _ in request }
        let timeline = context.timeline()
        guard foreign == nil else { return try await context.wait(until: timeline.until) }
        let schedule = Schedule(start: timeline.start, rate: rate, seconds: context.options.seconds)
        try await context.send(schedule, lanes: appenders, what: "an event") { _, _ in
            try context.atomicLane(url, shape, schedule)
        }
        try await context.settle(.received, expected: context.measurements.count(.appended).all * readers)
    }

    func figures(_ measurements: Measurements, seconds: Double) -> [BenchResult.Figure] {
        let read = [
            BenchResult.Figure("events read", measurements.count(.received), seconds),
            BenchResult.Figure("bytes read", measurements.count(.bytes), seconds),
        ]
        return foreign == nil
            ? [BenchResult.Figure("events appended", measurements.count(.appended), seconds)] + read : read
    }
}
