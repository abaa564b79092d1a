import ArgumentParser

/// `freshet bench slow`: some readers take slowly, and what that does to the others.
struct SlowReaders: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: SlowReadersMode.name,
        abstract: "Some readers take slowly: how late the others have each event.",
        discussion: """
            As 'fan-out', with --slow readers more, each of which takes --slow-rate bytes a second. Latency is that of the others. What \
            the slow ones took is counted, and how many of them the server gave up: neither is an error.
            """
    )

    @Option(help: ArgumentHelp("Readers that take all at once, at most 100000.", valueName: "count"))
    var readers = 100

    @Option(help: ArgumentHelp("Readers that take slowly, at most 100000.", valueName: "count"))
    var slow = 10

    @Option(help: ArgumentHelp("Bytes a second that each of those takes, 1 to 1000000000.", valueName: "count"))
    var slowRate = 1000

    @Option(help: ArgumentHelp("Events a second, at most 100000.", valueName: "count"))
    var rate = 100.0

    @Option(help: ArgumentHelp("Bytes of an event, 96 to 65536.", valueName: "count"))
    var bytes = 1000

    @Option(help: ArgumentHelp("Connections that append, at most 1000.", valueName: "count"))
    var connections = 4

    @OptionGroup var foreign: ForeignOptions
    @OptionGroup var options: BenchOptions

    func validate() throws {
        try BenchOptions.check(readers, 1...100_000, "--readers")
        try BenchOptions.check(slow, 1...100_000, "--slow")
        try BenchOptions.check(slowRate, 1...1_000_000_000, "--slow-rate")
        try BenchOptions.check(rate: rate, 100_000, "--rate")
        try BenchOptions.check(bytes, EventMark.leastBytes...65_536, "--bytes")
        try BenchOptions.check(connections, 1...1000, "--connections")
    }

    func run() async throws {
        let mode = SlowReadersMode(
            readers: readers,
            slow: slow,
            slowRate: slowRate,
            rate: rate,
            shape: BodyShape(bytes: bytes),
            appenders: connections,
            foreign: foreign.url
        )
        try await BenchRun(mode: mode, options: options).run()
    }
}

struct SlowReadersMode: BenchMode {
    static let name = "slow"

    var readers: Int
    var slow: Int
    var slowRate: Int
    var rate: Double
    var shape: BodyShape
    var appenders: Int
    var foreign: String?

    var options: [String: String] {
        let reading = ["readers": "\(readers)", "slow": "\(slow)", "slow-rate": "\(slowRate)"]
        guard foreign == nil else { return reading }
        let writing = [
            "rate": BenchSettings.text(rate), "bytes": "\(shape.bytes)", "connections": "\(appenders)",
        ]
        return reading.merging(writing) { one, _ in one }
    }

    var streamCount: Int { foreign == nil ? 1 : 0 }
    var connections: Int { readers + slow + (foreign == nil ? appenders : 0) }

    var latencies: [(Measurements.Series, String)] {
        [(.delivery, "due to read"), (.acknowledgement, "due to acknowledged"), (.between, "between events")]
    }

    func run(_ context: BenchContext) async throws {
        let url = foreign ?? context.streams.url(0, of: 1)
        let request = try context.reading(url, foreign: foreign != nil)
        let now = BenchClock.now
        let all = (0..<(slow + readers)).map { number in
            FollowingReader(context.measurements, due: now, bytesPerSecond: number < slow ? slowRate : nil)
        }
        try await context.open(all) { _ in request }
        let timeline = context.timeline()
        guard foreign == nil else { return try await context.wait(until: timeline.until) }
        let schedule = Schedule(start: timeline.start, rate: rate, seconds: context.options.seconds)
        try await context.send(schedule, lanes: appenders, what: "an event") { _, _ in
            try context.atomicLane(url, shape, schedule)
        }
        try await context.settle(.received, expected: context.measurements.count(.appended).all * readers)
    }

    func figures(_ measurements: Measurements, seconds: Double) -> [BenchResult.Figure] {
        var figures = [
            BenchResult.Figure("events read", measurements.count(.received), seconds),
            BenchResult.Figure("events read by slow readers", measurements.count(.receivedBySlow), seconds),
            BenchResult.Figure("slow readers given up", measurements.count(.slowCut), seconds, hasRate: false),
        ]
        if foreign == nil {
            figures.insert(BenchResult.Figure("events appended", measurements.count(.appended), seconds), at: 0)
        }
        return figures
    }
}
