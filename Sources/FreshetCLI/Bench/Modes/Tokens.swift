import ArgumentParser

/// `freshet bench tokens`: many streams with one reader each, the shape of a service of language models.
@available(freshet 0.1, *)
struct Tokens: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: TokensMode.name,
        abstract: "Many streams with one reader each: the shape of a service of language models.",
        discussion: """
            Makes --streams streams, reads each with a connection of its own, and appends --rate events a second to each of them. An \
            event waits for the one before it in its stream. Latency is from when an event was due to when its reader has it.
            """
    )

    @Option(help: ArgumentHelp("Streams, at most 20000.", valueName: "count"))
    var streams = 100

    @Option(help: ArgumentHelp("Events a second of each stream, at most 1000.", valueName: "count"))
    var rate = 25.0

    @Option(help: ArgumentHelp("Bytes of an event, 96 to 65536.", valueName: "count"))
    var bytes = 100

    @Option(help: "How they are appended: 'atomic', a request each, or 'live', one request for each stream.")
    var form = TokensMode.Form.atomic

    @OptionGroup var options: BenchOptions

    func validate() throws {
        try BenchOptions.check(streams, 1...20_000, "--streams")
        try BenchOptions.check(rate: rate, 1000, "--rate")
        try BenchOptions.check(bytes, EventMark.leastBytes...65_536, "--bytes")
    }

    func run() async throws {
        let mode = TokensMode(streams: streams, rate: rate, shape: BodyShape(bytes: bytes), form: form)
        try await BenchRun(mode: mode, options: options).run()
    }
}

@available(freshet 0.1, *)
struct TokensMode: BenchMode {
    enum Form: String, ExpressibleByArgument, CaseIterable, Sendable {
        case atomic, live
    }

    static let name = "tokens"

    var streams: Int
    var rate: Double
    var shape: BodyShape
    var form: Form

    var options: [String: String] {
        [
            "streams": "\(streams)", "rate": BenchSettings.text(rate), "bytes": "\(shape.bytes)", "form": form.rawValue,
        ]
    }

    var streamCount: Int { streams }
    var connections: Int { 2 * streams }

    var latencies: [(Measurements.Series, String)] {
        [(.delivery, "due to read"), (.acknowledgement, "due to acknowledged")]
    }

    func run(_ context: BenchContext) async throws {
        let urls = (0..<streams).map { context.streams.url($0, of: streams) }
        try await context.follow(urls)
        let appends = try await form == .live ? context.openAppends(urls) : []
        let timeline = context.timeline()
        let schedule = Schedule(
            start: timeline.start,
            rate: rate * Double(streams),
            seconds: context.options.seconds
        )
        try await context.send(schedule, lanes: streams, what: "an event") { number, _ in
            try form == .live
                ? context.liveLane(appends[number], shape, schedule)
                : context.atomicLane(urls[number], shape, schedule)
        }
        try await context.finish(appends)
        try await context.settle(.received, expected: context.measurements.count(.appended).all)
    }

    func figures(_ measurements: Measurements, seconds: Double) -> [BenchResult.Figure] {
        [
            BenchResult.Figure("events appended", measurements.count(.appended), seconds, hasRate: form == .atomic),
            BenchResult.Figure("events read", measurements.count(.received), seconds),
            BenchResult.Figure("bytes read", measurements.count(.bytes), seconds),
        ]
    }
}
