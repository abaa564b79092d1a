import ArgumentParser
import AsyncHTTPClient

/// `freshet bench ramp`: connections opened at a rate.
@available(freshet 0.1, *)
struct Ramp: AsyncParsableCommand {
    private static let mostConnections = 100_000

    static let configuration = CommandConfiguration(
        commandName: RampMode.name,
        abstract: "Connections opened at a rate: how late each has its response.",
        discussion: """
            Opens --rate readers a second of one quiet stream of its own, or of --url, for --warmup and --duration, and keeps them. \
            Latency is from when a connection was due to when its response began. Over HTTP/2 they are requests on few connections.
            """
    )

    @Option(help: ArgumentHelp("Readers opened a second; at most 100000 in all.", valueName: "count"))
    var rate = 100.0

    @OptionGroup var foreign: ForeignOptions
    @OptionGroup var options: BenchOptions

    func validate() throws {
        try BenchOptions.check(rate: rate, Double(Self.mostConnections), "--rate")
        guard rate * (options.duration + options.warmup) <= Double(Self.mostConnections) else {
            throw ValidationError(
                "--rate times --warmup and --duration is at most \(Self.mostConnections) connections."
            )
        }
    }

    func run() async throws {
        let mode = RampMode(rate: rate, seconds: options.duration + options.warmup, foreign: foreign.url)
        try await BenchRun(mode: mode, options: options).run()
    }
}

@available(freshet 0.1, *)
struct RampMode: BenchMode {
    static let name = "ramp"

    var rate: Double
    var seconds: Double
    var foreign: String?

    var options: [String: String] { ["rate": BenchSettings.text(rate)] }
    var streamCount: Int { foreign == nil ? 1 : 0 }
    var connections: Int { max(1, Int(rate * seconds)) }
    var latencies: [(Measurements.Series, String)] { [(.open, "due to response")] }

    func run(_ context: BenchContext) async throws {
        let url = foreign ?? context.streams.url(0, of: 1)
        let request = try context.reading(url, foreign: foreign != nil)
        let timeline = context.timeline()
        let schedule = Schedule(start: timeline.start, rate: rate, seconds: seconds)
        let readers = (0..<schedule.count).map { FollowingReader(context.measurements, due: schedule.due($0)) }
        // None waits for another: a lane is done with one as soon as it has asked.
        try await context.send(schedule, lanes: context.loops.count, what: "a connection") { _, _ in
            { number, done in
                _ = context.client.execute(request: request, delegate: readers[number])
                done()
            }
        }
        _ = try await context.wait(atMost: BenchContext.patienceToOpen) {
            readers.allSatisfy { $0.isOpen || $0.isOver }
        }
        let missing = readers.count { !$0.isOpen && !$0.isOver }
        if missing > 0 { context.measurements.fail("a connection without a response within 30 s", missing) }
    }

    func figures(_ measurements: Measurements, seconds: Double) -> [BenchResult.Figure] {
        [BenchResult.Figure("responses begun", measurements.count(.opened), seconds)]
    }
}
