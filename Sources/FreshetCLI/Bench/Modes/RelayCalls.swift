import ArgumentParser
import AsyncHTTPClient
import EventSource
import Foundation
import NIOCore
import NIOHTTP1
import TextCodecs

/// `freshet bench relay`: calls to a model by way of a relay.
@available(freshet 0.1, *)
struct RelayCalls: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: RelayCallsMode.name,
        abstract: "Calls to a model by way of a relay: its first token, and what passes between tokens.",
        discussion: """
            Makes --rate calls a second against an upstream that the server has, and reads each answer to its end. The model 'builtin' \
            costs nothing, where the server has that upstream; every other one costs what its provider takes for it. Answers are \
            deleted at the end.
            """
    )

    @Option(help: ArgumentHelp("Calls a second, at most 10000.", valueName: "count"))
    var rate = 2.0

    @Option(help: ArgumentHelp("Calls at a time, at most 10000. More wait.", valueName: "count"))
    var calls = 100

    @Option(help: "The model.")
    var model = "builtin"

    @Option(help: ArgumentHelp("Where it is called.", valueName: "path"))
    var path = "/v1/chat/completions"

    @Option(
        help: ArgumentHelp(
            "A file with the body of the call, instead of a short question to the model.",
            valueName: "file"
        )
    )
    var body: String?

    @OptionGroup var options: BenchOptions

    func validate() throws {
        try BenchOptions.check(rate: rate, 10_000, "--rate")
        try BenchOptions.check(calls, 1...10_000, "--calls")
        guard path.utf8.first == UInt8(ascii: "/"), Target(StreamURL.defaultServer + path) != nil else {
            throw ValidationError("--path is a path that begins with a slash, such as /v1/chat/completions.")
        }
    }

    func run() async throws {
        let mode = RelayCallsMode(rate: rate, calls: calls, model: model, path: path, body: try content())
        try await BenchRun(mode: mode, options: options).run()
    }

    private func content() throws -> [UInt8] {
        guard let body else {
            return JSONWriter.object { call in
                call.member("model", model)
                call.member("stream", true)
                call.member(
                    "messages",
                    array: {
                        $0.element(object: {
                            $0.member("role", "user")
                            $0.member("content", "What is the JSON trap?")
                        })
                    }
                )
            }
        }
        guard let data = FileManager.default.contents(atPath: body) else {
            throw ValidationError("The file of --body, '\(body)', cannot be read.")
        }
        return Array(data)
    }
}

@available(freshet 0.1, *)
struct RelayCallsMode: BenchMode {
    static let name = "relay"
    /// How long the last answers may take.
    private static let patience = Duration.seconds(120)

    var rate: Double
    var calls: Int
    var model: String
    var path: String
    var body: [UInt8]

    var options: [String: String] {
        [
            "rate": BenchSettings.text(rate), "calls": "\(calls)", "model": model, "path": path,
            "body": "\(body.count) bytes",
        ]
    }

    var streamCount: Int { 0 }
    var connections: Int { calls }

    var latencies: [(Measurements.Series, String)] {
        [(.firstToken, "due to first token"), (.betweenTokens, "between tokens"), (.whole, "due to end")]
    }

    func run(_ context: BenchContext) async throws {
        let server = context.streams.server
        var request = try BenchRequests.template(
            .POST,
            server + path,
            headers: context.streams.authorization + [
                ("Content-Type", "application/json"), ("Accept", "text/event-stream"),
            ]
        )
        request.body = .byteBuffer(ByteBuffer(bytes: body))
        let call = request
        let timeline = context.timeline()
        let schedule = Schedule(start: timeline.start, rate: rate, seconds: context.options.seconds)
        try await context.send(schedule, lanes: calls, what: "a call", patience: Self.patience) { _, _ in
            { number, done in
                let named = { @Sendable (stream: String) in
                    if let url = Self.onServer(server, stream) { context.streams.note(url) }
                }
                let relayed = RelayedCall(context.measurements, due: schedule.due(number), named: named, done: done)
                context.measurements.count(.requests, at: BenchClock.now)
                _ = context.client.execute(request: call, delegate: relayed)
            }
        }
    }

    /// Where the stream is for us: a server behind a proxy may name itself otherwise.
    private static func onServer(_ server: String, _ location: String) -> String? {
        location.range(of: "/v1/stream/").map { server + location[$0.lowerBound...] }
    }

    func figures(_ measurements: Measurements, seconds: Double) -> [BenchResult.Figure] {
        [
            BenchResult.Figure("calls", measurements.count(.requests), seconds),
            BenchResult.Figure("answers", measurements.count(.finished), seconds),
            BenchResult.Figure("tokens", measurements.count(.tokens), seconds),
            BenchResult.Figure("bytes read", measurements.count(.bytes), seconds),
        ]
    }
}
