import ArgumentParser

/// `freshet bench slow`: some readers take slowly, and what that does to the others.
@available(freshet 0.1, *)
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
        let fanOut = FanOutMode(
            readers: readers,
            rate: rate,
            shape: BodyShape(bytes: bytes),
            appenders: connections,
            foreign: foreign.url
        )
        let mode = SlowReadersMode(fanOut: fanOut, slow: slow, slowRate: slowRate)
        try await BenchRun(mode: mode, options: options).run()
    }
}

@available(freshet 0.1, *)
struct SlowReadersMode: BenchMode {
    static let name = "slow"

    /// What it is without those that take slowly.
    var fanOut: FanOutMode
    var slow: Int
    var slowRate: Int

    var options: [String: String] {
        fanOut.options.merging(["slow": "\(slow)", "slow-rate": "\(slowRate)"]) { one, _ in one }
    }

    var streamCount: Int { fanOut.streamCount }
    var connections: Int { fanOut.connections + slow }
    var foreign: String? { fanOut.foreign }
    var latencies: [(Measurements.Series, String)] { fanOut.latencies }

    func run(_ context: BenchContext) async throws {
        let now = BenchClock.now
        let all = (0..<slow).map { _ in
            FollowingReader(context.measurements, due: now, bytesPerSecond: slowRate)
        }
        try await fanOut.run(context, beside: all)
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
