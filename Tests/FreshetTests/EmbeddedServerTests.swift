import EventSource
import Freshet
import FreshetServer
import NIOHTTP1
import ServerSentEvents
import ServiceLifecycle
import Testing

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#elseif canImport(Darwin)
import Darwin
#endif

@Suite("The server inside a program", .timeLimit(.minutes(10)))
struct EmbeddedServerTests {
    static func server(
        _ change: (inout EmbeddedServer.Configuration) -> Void = { _ in },
        storage: StreamStorage = .memory,
        routes: [Route] = [],
        tokens: SignedTokens? = nil,
        authorise: (@Sendable (RequestHead) async throws -> AccessDecision)? = nil
    ) throws -> EmbeddedServer {
        var configuration = EmbeddedServer.Configuration(port: 0)
        configuration.drainDeadline = .seconds(5)
        change(&configuration)
        return try EmbeddedServer(
            configuration: configuration,
            storage: storage,
            routes: routes,
            tokens: tokens,
            authorise: authorise
        )
    }

    @Test("What is appended in process is read over HTTP by an unmodified client, and the other way round")
    func bothWays() async throws {
        try await RunningServer.with(try Self.server()) { running async throws in
            let stream = try await running.streams.create("answer")
            try await stream.append("in process")
            let post = try await running.ask(
                .POST,
                "/v1/stream/answer",
                [("Content-Type", "text/event-stream"), ("Stream-Closed", "true")],
                body: "data: over HTTP\n\n"
            )
            #expect(post.status == 204)
            var texts: [String] = []
            for try await case .event(let event) in stream.events() { texts.append(event.text) }
            #expect(texts == ["in process", "over HTTP"])
            var data: [String] = []
            let source = EventSource(url: running.url + "/v1/stream/answer", configuration: .freshet)
            for try await case .event(let event) in source { data.append(event.data) }
            #expect(data == texts)
        }
    }

    @Test("A producer in process learns at once of a cancel that came over HTTP")
    func cancelOverHTTP() async throws {
        try await RunningServer.with(try Self.server()) { running async throws in
            let stream = try await running.streams.create("answer")
            async let end = stream.produce { producer in
                try await producer.append("begun")
                try await Task.sleep(for: .seconds(3600))
            }
            _ = try await stream.events().first { _ in true }
            let answer = try await running.ask(.POST, "/v1/stream/answer", [("Stream-Cancel", "true")])
            #expect(answer.status == 204)
            #expect(try await end.reason == .cancelled)
        }
    }

    @Test("A drain lets the readers of a stream that is being produced in process read to its end")
    func drain() async throws {
        // The deadline is no part of this.
        let server = try Self.server { $0.drainDeadline = .seconds(600) }
        try await RunningServer.with(server) { running async throws in
            let stream = try await running.streams.create("answer")
            let mayEnd = AsyncStream.makeStream(of: Void.self)
            async let end = stream.produce { producer in
                try await producer.append("before")
                for await _ in mayEnd.stream {}
                try await producer.append("while it drains")
            }
            let source = EventSource(url: running.url + "/v1/stream/answer", configuration: .freshet)
            var elements = source.makeAsyncIterator()
            while let element = try await elements.next() { if case .event = element { break } }
            await running.stop()
            while try await running.ask(.GET, "/health").status != 503 { await Task.yield() }
            mayEnd.continuation.finish()
            var rest: [String] = []
            while let element = try await elements.next() {
                if case .event(let event) = element { rest.append(event.data) }
                if case .end(let end) = element { rest.append(end.reason?.rawValue ?? "-") }
            }
            #expect(rest == ["while it drains", "done"])
            #expect(try await end.reason == .done)
        }
    }

    @Test("When the server has stopped, readers in process are told, and streams in a directory are there again")
    func restart() async throws {
        let directory = "/tmp/freshet-tests-\(UInt64.random(in: 0 ... .max))"
        let first = try Self.server(storage: .directory(directory))
        let reading = try await RunningServer.with(first) { running async throws in
            let stream = try await running.streams.create("answer")
            try await stream.append("kept")
            let reading = Task { for try await _ in stream.events() {} }
            while try await stream.info()?.readers != 1 { await Task.yield() }
            return reading
        }
        let error = await #expect(throws: EventStreamError.self) { try await reading.value }
        #expect(error?.code == .stopped)
        let second = try Self.server(storage: .directory(directory))
        try await RunningServer.with(second) { running async throws in
            let answer = try await running.ask(.GET, "/v1/stream/answer")
            #expect(answer.body == "data: kept\n\n")
        }
    }

    @Test("When its directory is taken away, appends and readers in process are told, and `/health` says why")
    func lostDirectory() async throws {
        let directory = "/tmp/freshet-tests-\(UInt64.random(in: 0 ... .max))"
        try await RunningServer.with(try Self.server(storage: .directory(directory))) { running async throws in
            let stream = try await running.streams.create("answer")
            try await stream.append("kept")
            let reading = Task { for try await _ in stream.events() {} }
            while try await stream.info()?.readers != 1 { await Task.yield() }
            #expect(rename(directory, directory + "-moved") == 0)
            let error = await #expect(throws: EventStreamError.self) { try await stream.append("lost") }
            #expect(error?.code == .unavailable && error?.description.contains(directory) == true)
            let ended = await #expect(throws: EventStreamError.self) { try await reading.value }
            #expect(ended?.code == .unavailable)
            let health = try await running.ask(.GET, "/health")
            #expect(
                health.status == 503 && health.body.hasPrefix(#"{"status":"unavailable","why":"The data directory"#)
            )
        }
    }

    @Test("Streams that belong to the program stay open when the server has stopped")
    func sharedStreams() async throws {
        let streams = try EventStreams()
        try await RunningServer.with(try EmbeddedServer(streams: streams, configuration: .init(port: 0))) { _ in }
        let stream = try await streams.create("later")
        try await stream.append("x")
        #expect(try await stream.info()?.events == 1)
    }

    @Test("Beyond loopback it starts with keys, with code that authorises, or openly, and not otherwise")
    func exposure() throws {
        let error = #expect(throws: SetupError.self) { try Self.server { $0.host = "0.0.0.0" } }
        #expect(error?.description.contains("other machines reach") == true)
        _ = try Self.server({ $0.host = "0.0.0.0" }, authorise: { _ in .refuse })
        _ = try Self.server {
            $0.host = "0.0.0.0"
            $0.open = true
        }
    }

    @Test("Everything that is wrong with the settings is said at once, and before a directory is made")
    func wrongSettings() {
        let error = #expect(throws: SetupError.self) {
            try Self.server(
                {
                    $0.port = 70_000
                    $0.allowedOrigins = ["*"]
                    $0.createOnPost = ["/chat"]
                    $0.heartbeat = .zero
                },
                storage: .directory("/proc/nowhere")
            )
        }
        #expect(error?.problems.count == 4, "\(error.map(\.description) ?? "none")")
    }

    @Test("Nothing set is what `freshet serve` has, and a setting without a property is set by its name")
    func settingsByName() throws {
        var configuration = EmbeddedServer.Configuration()
        #expect(configuration.values.core == ServerConfiguration())
        #expect(configuration.heartbeat == .seconds(10) && configuration.connectionsPerAddress == 1000)
        try configuration.set("long-poll-seconds", to: "5")
        try configuration.set("hosts", to: "a.example, b.example")
        #expect(configuration.values.core.longPoll == .seconds(5) && configuration.hosts == ["a.example", "b.example"])
        for (name, value) in [("log-level", "debug"), ("data", "/tmp"), ("streams", "1"), ("heartbeat", "1")] {
            let error = #expect(throws: SetupError.self) { try configuration.set(name, to: value) }
            #expect(error?.description.hasPrefix("\(name): there is no such setting; ") == true)
        }
        let error = #expect(throws: SetupError.self) { try configuration.set("heartbeat-seconds", to: "10s") }
        #expect(error?.description.hasPrefix("heartbeat-seconds: \"10s\" is not a number of seconds from 0.05") == true)
    }

    @Test("A port that is taken is an error that says so, for whoever runs it and for whoever waits for it")
    func portTaken() async throws {
        try await RunningServer.with(try Self.server()) { running async throws in
            let port = try await running.server.listening().port
            let second = try Self.server { $0.port = port }
            let failure = await #expect(throws: SetupError.self) { try await second.run() }
            #expect(
                failure?.description
                    == "It cannot listen on 127.0.0.1:\(port): another program uses that port. Stop it, or choose another port."
            )
            await #expect(throws: SetupError.self) { try await second.listening() }
            await #expect(throws: SetupError.self) { try await second.run() }
        }
    }

    @Test("A cancelled server closes at once and returns")
    func cancelled() async throws {
        let server = try Self.server()
        let running = Task { try await server.run() }
        _ = try await server.listening()
        running.cancel()
        try await running.value
    }
}
