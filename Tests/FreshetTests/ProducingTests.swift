import Freshet
import Testing

@Suite("Producing in process", .timeLimit(.minutes(10)))
struct ProducingTests {
    let streams: EventStreams

    init() throws {
        streams = try EventStreams()
    }

    @Test("Creating is idempotent, and refuses what differs")
    func creating() async throws {
        let stream = try streams.stream("s")
        #expect(try await stream.create(.init(contentType: "text/plain", lease: .seconds(30))))
        #expect(try await !stream.create(.init(contentType: "text/plain", lease: .seconds(30))))
        let error = await #expect(throws: EventStreamError.self) { try await stream.create() }
        #expect(error?.code == .alreadyExists)
        #expect(error?.message.contains("contentType") == true)
        let info = try #require(try await stream.info())
        #expect(info.options.contentType == "text/plain")
        #expect(info.options.lease == .seconds(30))
        #expect(info.end == nil)
    }

    @Test(
        "What cannot name a stream, or say how it should be, is refused with the reason",
        arguments: ["", "a//b", "..", "a\nb", String(repeating: "x", count: 513)]
    )
    func names(_ name: String) {
        let error = #expect(throws: EventStreamError.self) { try streams.stream(name) }
        #expect(error?.code == .invalidName)
    }

    @Test(
        "Options out of range are refused before anything is made",
        arguments: [
            EventStream.Options(contentType: "nothing"), .init(lease: .zero), .init(lease: .seconds(40_000_000)),
            .init(expiry: .idle(.seconds(-1))), .init(expiry: .at(secondsSince1970: .nan)),
            .init(retention: .init(events: 0)), .init(retention: .init(age: .zero)), .init(retention: .init(bytes: -1)),
        ]
    )
    func options(_ options: EventStream.Options) async throws {
        let error = await #expect(throws: EventStreamError.self) { try await streams.create("s", options) }
        #expect(error?.code == .invalidOptions)
        #expect(try await streams.list().isEmpty)
    }

    @Test("Fractions of a second are rounded up")
    func rounding() async throws {
        let stream = try await streams.create("s", .init(lease: .milliseconds(1500)))
        #expect(try await stream.info()?.options.lease == .seconds(2))
    }

    @Test("Strings, typed events and JSON are read as they were given")
    func forms() async throws {
        struct Reading: Codable, Equatable {
            var celsius: Double
        }
        let stream = try await streams.create("s")
        try await stream.append([.init("one"), .init("two\r\nlines\rand three", type: "note")])
        try await stream.append(json: Reading(celsius: 21.5), type: "reading")
        try await stream.end()
        var events: [EventStream.Event] = []
        for try await case .event(let event) in stream.events() { events.append(event) }
        #expect(events.map(\.type) == [nil, "note", "reading"])
        #expect(events[1].text == "two\nlines\nand three")
        #expect(try events[2].decode(as: Reading.self) == Reading(celsius: 21.5))
        #expect(events.map(\.id) == events.map(\.id).sorted())
    }

    @Test(
        "What a stream of a type cannot hold is refused, and nothing is appended",
        arguments: [
            ("text/event-stream", EventStream.Content("x", type: "end")),
            ("text/event-stream", EventStream.Content("x", type: "a\nb")),
            ("text/event-stream", EventStream.Content(bytes: [0xFF])),
            ("application/json", EventStream.Content("{")),
            ("application/x-ndjson", EventStream.Content("")),
            ("text/plain", EventStream.Content("")),
            ("text/plain", EventStream.Content("x", type: "note")),
        ]
    )
    func invalidEvents(_ type: String, _ content: EventStream.Content) async throws {
        let stream = try await streams.create("s", .init(contentType: type))
        let error = await #expect(throws: EventStreamError.self) {
            try await stream.append([EventStream.Content("1"), content])
        }
        #expect(error?.code == .invalidEvent)
        #expect(try await stream.info()?.events == 0)
    }

    @Test("An event larger than the limit is refused, and one of exactly that size is kept")
    func size() async throws {
        let stream = try await streams.create("s", .init(contentType: "image/png"))
        let limit = EventStreams.Configuration().eventBytes
        let error = await #expect(throws: EventStreamError.self) {
            try await stream.append([.init(bytes: [UInt8](repeating: 0, count: limit + 1))])
        }
        #expect(error?.code == .invalidEvent)
        try await stream.append([.init(bytes: [UInt8](repeating: 0, count: limit))])
        #expect(try await stream.info()?.bytes == limit)
    }

    @Test("A stream ends once: the second end, a cancel and an append learn how")
    func ending() async throws {
        let stream = try await streams.create("s")
        #expect(try await stream.end(.failed, detail: "why").reason == .failed)
        #expect(try await stream.end().reason == .failed)
        #expect(try await stream.cancel().detail == "why")
        let error = await #expect(throws: EventStreamError.self) { try await stream.append("late") }
        #expect(error?.code == .ended)
        #expect(error?.end?.reason == .failed)
        await #expect(throws: EventStreamError.self) { try await stream.end(.cancelled) }
    }

    @Test("A producer in a closure ends its stream as done when it returns")
    func produce() async throws {
        let stream = try await streams.create("s")
        let end = try await stream.produce { producer in
            for word in ["Hello", "world"] { try await producer.append(word) }
            #expect(try await stream.info()?.producers == 1)
        }
        #expect(end.reason == .done)
        #expect(try await stream.info()?.events == 2)
        #expect(try await stream.info()?.producers == 0)
    }

    @Test("A producer that throws ends its stream as failed, and the error goes on")
    func produceFails() async throws {
        struct OutOfPaper: Error {}
        let stream = try await streams.create("s")
        await #expect(throws: OutOfPaper.self) { try await stream.produce { _ in throw OutOfPaper() } }
        #expect(try await stream.info()?.end?.reason == .failed)
    }

    @Test("A producer may say itself how its stream ends")
    func produceEnds() async throws {
        let stream = try await streams.create("s")
        let end = try await stream.produce { producer in try await producer.end(.failed, detail: "no more") }
        #expect(end.reason == .failed)
        #expect(end.detail == "no more")
    }

    @Test("A cancel cancels the producer's task at once, and is what the producer returns")
    func produceCancelled() async throws {
        let stream = try await streams.create("s")
        let producing = Task {
            try await stream.produce { producer in
                try await producer.append("begun")
                try await Task.sleep(for: .seconds(3600))
            }
        }
        _ = try await stream.events().first { _ in true }
        async let ended = stream.ended()
        #expect(try await stream.cancel().reason == .cancelled)
        #expect(try await producing.value.reason == .cancelled)
        #expect(try await ended.reason == .cancelled)
    }

    @Test("A producer whose task is cancelled is torn away: the stream stays open, under a lease")
    func produceTorn() async throws {
        let stream = try await streams.create("s")
        let producing = Task {
            try await stream.produce { producer in
                try await producer.append("begun")
                try await Task.sleep(for: .seconds(3600))
            }
        }
        _ = try await stream.events().first { _ in true }
        producing.cancel()
        await #expect(throws: CancellationError.self) { try await producing.value }
        let info = try #require(try await stream.info())
        #expect(info.end == nil)
        #expect(info.leaseRemaining != nil)
    }

    @Test("A newer producer of the same name takes over")
    func takeover() async throws {
        let stream = try await streams.create("s")
        let older = Task {
            try await stream.produce(as: "worker") { producer in
                try await producer.append("old")
                try await Task.sleep(for: .seconds(3600))
            }
        }
        _ = try await stream.events().first { _ in true }
        #expect(try await stream.produce(as: "worker") { try await $0.append("new") }.reason == .done)
        let error = await #expect(throws: EventStreamError.self) { try await older.value }
        #expect(error?.code == .superseded)
        #expect(try await stream.info()?.events == 2)
    }

    @Test("Several tasks may append through one producer")
    func severalTasks() async throws {
        let stream = try await streams.create("s")
        try await stream.produce { producer in
            try await withThrowingTaskGroup(of: Void.self) { group in
                for task in 0..<8 {
                    group.addTask { for number in 0..<50 { try await producer.append("\(task).\(number)") } }
                }
                try await group.waitForAll()
            }
        }
        #expect(try await stream.info()?.events == 400)
    }

    @Test("What is not there can be neither written nor ended, and deleting it says so")
    func missing() async throws {
        let stream = try streams.stream("nothing")
        for attempt in [
            { try await stream.append("x") as Any }, { try await stream.end() }, { try await stream.cancel() },
            { try await stream.produce { _ in } }, { try await stream.ended() },
            { try await stream.renewLease(.seconds(1)) },
        ] as [@Sendable () async throws -> Any] {
            let error = await #expect(throws: EventStreamError.self) { _ = try await attempt() }
            #expect(error?.code == .notFound)
        }
        #expect(try await !stream.delete())
        #expect(try await stream.info() == nil)
    }

    @Test("A store that is full says so, and what was there stays")
    func full() async throws {
        var limits = EventStreams.Configuration()
        limits.streams = 1
        let streams = try EventStreams(configuration: limits)
        try await streams.create("one").append("kept")
        let error = await #expect(throws: EventStreamError.self) { try await streams.create("two") }
        #expect(error?.code == .full)
        #expect(try await streams.list().map(\.name) == ["one"])
    }

    @Test("Settings out of range are all named")
    func settings() {
        var limits = EventStreams.Configuration()
        limits.eventBytes = 0
        limits.streams = -1
        let error = #expect(throws: SetupError.self) { try EventStreams(configuration: limits) }
        #expect(error?.problems.count == 2)
        #expect(error?.description.contains("event-bytes") == true)
    }
}
