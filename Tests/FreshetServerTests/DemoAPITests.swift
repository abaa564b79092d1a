import FoundationEssentials
import Locks
import StreamCore
import StreamHTTP
import Testing

@testable import FreshetServer

@Suite("The demo's requests")
struct DemoAPITests {
    private let streams = Streams(store: MemoryStreamStore())

    @Test("an answer is written word by word into a stream of its own, and ends done")
    func answer() async throws {
        let api = DemoAPI(streams: streams, clock: StepClock())
        let (conversation, turn) = try await ask(api, "What is the JSON trap?")
        #expect(turn.question == "What is the JSON trap?")
        #expect(turn.title == "The JSON trap")
        let page = try await untilEnd(of: turn.stream)
        #expect(page.contentType.kind == .eventStream)
        #expect(page.end?.reason == .done)
        let words = page.events.map { String(decoding: $0.body.data, as: UTF8.self) }
        #expect(words == Answerer.builtIn.answer(to: turn.question).words)
        // The last word and the end are one step: no reader can see all words and doubt whether that was all.
        let log = try #require(try await streams.read(try name(of: conversation.stream), from: .start))
        #expect(log.contentType.kind == .json)
        let turns = try log.events.map { try JSONDecoder().decode(DemoTurn.self, from: Data($0.body.data)) }
        #expect(turns == [turn])
        #expect(Offset(conversation.offset) == log.floor)
    }

    @Test("each word is due at its own moment, counted from the start at the chosen speed")
    func pace() async throws {
        let clock = StepClock()
        let api = DemoAPI(streams: streams, clock: clock)
        let (_, turn) = try await ask(api, "What is the JSON trap?", speed: "50")
        let page = try await untilEnd(of: turn.stream)
        #expect(clock.deadlines.count == page.events.count)
        for (index, deadline) in clock.deadlines.enumerated() {
            let distance = deadline - .milliseconds(20) * index
            #expect(distance > .microseconds(-1) && distance < .microseconds(1))
        }
    }

    @Test("cancelling the stream stops the producer at once, in the middle of its wait for the next word")
    func cancel() async throws {
        let clock = StepClock(steps: 3)
        let api = DemoAPI(streams: streams, clock: clock)
        let (_, turn) = try await ask(api, "What is the JSON trap?", speed: "1")
        await clock.untilWaiting()
        let outcome = try await streams.append(try name(of: turn.stream), AppendRequest(end: EndRequest(.cancelled)))
        guard case .appended = outcome else {
            Issue.record("the stream had ended: \(outcome)")
            return
        }
        await clock.untilCancelled()
        let page = try await untilEnd(of: turn.stream)
        #expect(page.end?.reason == .cancelled)
        #expect(page.events.count == 3)
    }

    @Test("the same question in another conversation gets a stream of its own")
    func separate() async throws {
        let api = DemoAPI(streams: streams, clock: StepClock())
        let (first, one) = try await ask(api, "What is a gap event?")
        let (second, two) = try await ask(api, "What is a gap event?")
        #expect(first.id != second.id)
        #expect(one.stream != two.stream)
        #expect(first.id.utf8.count == 32)
    }

    @Test("as many answers as allowed are written at once, and the next is told to wait")
    func bounded() async throws {
        var limits = DemoAPI.Limits()
        limits.runningAnswers = 1
        let api = DemoAPI(streams: streams, limits: limits, clock: StepClock(steps: 0))
        let (conversation, _) = try await ask(api, "What is NDJSON?")
        let response = await post(api, question: "What is SSE?", to: conversation.id)
        #expect(response.status == 429)
        #expect(response.headers.contains { $0.name == "Retry-After" })
    }

    @Test("a place is free again when an answer has ended, and when asking failed")
    func released() async throws {
        var limits = DemoAPI.Limits()
        limits.runningAnswers = 1
        let api = DemoAPI(streams: streams, limits: limits, clock: StepClock())
        for _ in 0..<3 {
            #expect(await post(api, question: "What is NDJSON?", to: "unknown").status == 404)
        }
        #expect(api.runningAnswers == 0)
        _ = try await ask(api, "What is NDJSON?")
    }

    @Test("a question to a conversation that is not kept leaves no answer behind")
    func unknownConversation() async throws {
        let api = DemoAPI(streams: streams, clock: StepClock())
        #expect(await post(api, question: "What is NDJSON?", to: "0123abcd").status == 404)
        #expect(try await streams.list(prefix: "", after: nil, limit: 10).isEmpty)
    }

    @Test(
        "a question that cannot be understood is told what to send",
        arguments: [
            ("", 400), ("[]", 400), (#"{"question": 5}"#, 400), (#"{"question": "  \n "}"#, 400),
            (#"{"question": "x", "wordsPerSecond": 0}"#, 400), (#"{"question": "x", "wordsPerSecond": 101}"#, 400),
        ]
    )
    func invalid(body: String, status: Int) async throws {
        let api = DemoAPI(streams: streams, clock: StepClock())
        let conversation = try await begin(api)
        let route = DemoAPI.Route.ask(conversation: conversation.id)
        let response = await api.respond(to: route, method: "POST", body: [UInt8](body.utf8))
        #expect(response.status == status)
        #expect(response.headers.contains(HeaderField("Content-Type", "application/problem+json")))
    }

    @Test("a question longer than allowed is refused by its length")
    func tooLong() async throws {
        let api = DemoAPI(streams: streams, clock: StepClock())
        let conversation = try await begin(api)
        let question = String(repeating: "x", count: 9_000)
        #expect(await post(api, question: question, to: conversation.id).status == 413)
    }

    @Test("other paths are not the demo's, and other methods are refused by name")
    func routes() async throws {
        let api = DemoAPI(streams: streams, clock: StepClock())
        for path in [
            "/", "/demo", "/demo/conversations/", "/demo/conversations/x", "/demo/conversationsX",
            "/demo/conversations/x/questions/y", "/demo/conversations//questions/",
        ] {
            #expect(DemoAPI.Route(path) == nil, "\(path)")
        }
        #expect(DemoAPI.Route("/demo/conversations") == .begin)
        #expect(DemoAPI.Route("/demo/conversations/x/questions") == .ask(conversation: "x"))
        let get = await api.respond(to: .begin, method: "GET", body: [])
        #expect(get.status == 405)
        #expect(get.headers.contains(HeaderField("Allow", "POST, OPTIONS")))
        #expect(await post(api, question: "x", to: "..").status == 400)
    }

    // MARK: Asking

    private func begin(_ api: DemoAPI) async throws -> DemoConversation {
        let response = await api.respond(to: .begin, method: "POST", body: [])
        #expect(response.status == 201)
        return try JSONDecoder().decode(DemoConversation.self, from: Data(response.body))
    }

    private func ask(_ api: DemoAPI, _ question: String, speed: String = "100") async throws -> (
        DemoConversation, DemoTurn
    ) {
        let conversation = try await begin(api)
        let response = await post(api, question: question, speed: speed, to: conversation.id)
        #expect(response.status == 201)
        let turn = try JSONDecoder().decode(DemoTurn.self, from: Data(response.body))
        #expect(response.headers.contains(HeaderField("Location", turn.stream)))
        return (conversation, turn)
    }

    private func post(
        _ api: DemoAPI,
        question: String,
        speed: String = "100",
        to conversation: String
    ) async -> Response {
        let body = [UInt8](#"{"question": "\#(question)", "wordsPerSecond": \#(speed)}"#.utf8)
        return await api.respond(to: .ask(conversation: conversation), method: "POST", body: body)
    }

    private func name(of url: String) throws -> StreamName {
        #expect(url.hasPrefix("/v1/stream/demo/"))
        return try StreamName(String(url.dropFirst("/v1/stream/".count)))
    }

    private func untilEnd(of url: String) async throws -> StreamCore.Page {
        let name = try name(of: url)
        let listener = EndListener()
        streams.follow(name, listener)
        defer { streams.unfollow(name, listener) }
        for await _ in listener.signals {
            let page = try #require(try await streams.read(name, from: .start))
            if page.end != nil { return page }
        }
        throw CancellationError()
    }
}

/// Says whenever something may have changed.
private final class EndListener: TailListener {
    let signals: AsyncStream<Void>
    private let told: AsyncStream<Void>.Continuation

    init() { (signals, told) = AsyncStream.makeStream() }

    func signal(_ signal: StreamSignal, of name: StreamName) { told.yield() }

    func wake() {}
}

/// Time stands still, and whoever waits is let go at once, for so many steps; then it waits until it is cancelled.
private final class StepClock: Clock {
    struct Instant: InstantProtocol {
        var offset: Duration

        func advanced(by duration: Duration) -> Instant { Instant(offset: offset + duration) }
        func duration(to other: Instant) -> Duration { other.offset - offset }
        static func < (left: Instant, right: Instant) -> Bool { left.offset < right.offset }
    }

    private let asked = Mutex<[Duration]>([])
    private let steps: Int
    private let (waiting, waits) = AsyncStream<Void>.makeStream()
    private let (cancelled, cancels) = AsyncStream<Void>.makeStream()

    init(steps: Int = .max) { self.steps = steps }

    var now: Instant { Instant(offset: .zero) }
    var minimumResolution: Duration { .nanoseconds(1) }
    var deadlines: [Duration] { asked.withLock { $0 } }

    func sleep(until deadline: Instant, tolerance: Duration?) async throws {
        let count = asked.withLock { asked in
            asked.append(deadline.offset)
            return asked.count
        }
        guard count > steps else { return }
        waits.yield()
        // Ends only by cancellation.
        let (never, _) = AsyncStream<Void>.makeStream()
        for await _ in never {}
        cancels.yield()
        throw CancellationError()
    }

    func untilWaiting() async { for await _ in waiting { return } }

    func untilCancelled() async { for await _ in cancelled { return } }
}
