import ArgumentParser

/// `freshet bench append`: appends, in each of their forms.
@available(freshet 0.1, *)
struct AppendLoad: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: AppendLoadMode.name,
        abstract: "Appends: atomic, live, or with producer headers.",
        discussion: """
            Appends --rate events a second on --connections connections. Latency is from when events were due to when they were \
            acknowledged. A live append is acknowledged as a whole, at its end: with it one reader follows each stream, and latency is \
            from when an event was due to when that has it.
            """
    )

    @Option(
        help:
            "How: 'atomic', a request for each body, 'producer', the same with producer headers, or 'live', one request."
    )
    var form = AppendLoadMode.Form.atomic

    @Option(help: ArgumentHelp("Connections, at most 10000. Each sends one body at a time.", valueName: "count"))
    var connections = 64

    @Option(help: ArgumentHelp("Streams that they append to, at most 10000.", valueName: "count"))
    var streams = 1

    @Option(help: ArgumentHelp("Events a second, at most 1000000.", valueName: "count"))
    var rate = 1000.0

    @Option(help: ArgumentHelp("Events of a body, at most 1000.", valueName: "count"))
    var events = 1

    @Option(help: ArgumentHelp("Bytes of an event, 96 to 4096.", valueName: "count"))
    var bytes = 100

    @OptionGroup var options: BenchOptions

    func validate() throws {
        try BenchOptions.check(connections, 1...10_000, "--connections")
        try BenchOptions.check(streams, 1...10_000, "--streams")
        try BenchOptions.check(rate: rate, 1_000_000, "--rate")
        try BenchOptions.check(events, 1...1000, "--events")
        try BenchOptions.check(bytes, EventMark.leastBytes...4096, "--bytes")
        guard streams <= connections else {
            throw ValidationError("--streams is at most --connections: each connection appends to one stream.")
        }
    }

    func run() async throws {
        let mode = AppendLoadMode(
            form: form,
            appenders: connections,
            streams: streams,
            rate: rate,
            shape: BodyShape(events: events, bytes: bytes)
        )
        try await BenchRun(mode: mode, options: options).run()
    }
}

@available(freshet 0.1, *)
struct AppendLoadMode: BenchMode {
    enum Form: String, ExpressibleByArgument, CaseIterable, Sendable {
        case atomic, live, producer
    }

    static let name = "append"

    var form: Form
    var appenders: Int
    var streams: Int
    var rate: Double
    var shape: BodyShape

    var options: [String: String] {
        [
            "form": form.rawValue, "connections": "\(appenders)", "streams": "\(streams)",
            "rate": BenchSettings.text(rate), "events": "\(shape.events)", "bytes": "\(shape.bytes)",
        ]
    }

    var streamCount: Int { streams }
    var connections: Int { appenders + (form == .live ? streams : 0) }

    var latencies: [(Measurements.Series, String)] {
        [(.acknowledgement, "due to acknowledged"), (.delivery, "due to read")]
    }

    func run(_ context: BenchContext) async throws {
        let urls = (0..<appenders).map { context.streams.url($0 % streams, of: streams) }
        var appends: [LiveAppend] = []
        if form == .live {
            try await context.follow(Array(urls.prefix(streams)))
            appends = try await context.openAppends(urls)
        }
        let timeline = context.timeline()
        let schedule = Schedule(
            start: timeline.start,
            rate: rate / Double(shape.events),
            seconds: context.options.seconds
        )
        try await context.send(schedule, lanes: appenders, what: "a body") { number, _ in
            switch form {
            case .live: context.liveLane(appends[number], shape, schedule)
            case .atomic: try context.atomicLane(urls[number], shape, schedule)
            case .producer: try context.atomicLane(urls[number], shape, schedule, numbered: true)
            }
        }
        try await context.finish(appends)
        guard form == .live else { return }
        try await context.settle(.received, expected: context.measurements.count(.appended).all)
    }

    func figures(_ measurements: Measurements, seconds: Double) -> [BenchResult.Figure] {
        guard form == .live else {
            return [
                BenchResult.Figure("events appended", measurements.count(.appended), seconds),
                BenchResult.Figure("requests", measurements.count(.requests), seconds),
            ]
        }
        return [
            BenchResult.Figure("events appended", measurements.count(.appended), seconds, hasRate: false),
            BenchResult.Figure("events read", measurements.count(.received), seconds),
        ]
    }
}
