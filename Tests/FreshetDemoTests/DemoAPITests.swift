import FoundationEssentials
import FreshetServer
import Locks
import StreamCore
import StreamHTTP
import Testing

@testable import FreshetDemo

@Suite("The demo's requests")
struct DemoAPITests {
    private let streams = Streams(store: MemoryStreamStore())

    @Test("a question begins an answer, and the conversation is told of its stream")
    func answer() async throws {
        let model = ScriptedModel(streams)
        let api = DemoAPI(streams: streams, model: model)
        let (conversation, turn) = try await ask(api, "What  is the\\n JSON trap?", speed: "50")
        #expect(turn.question == "What is the JSON trap?")
        #expect(turn.stream == "/v1/stream/relay/0")
        #expect(turn.title == "Title")
        let asked = try #require(model.asked.first)
        #expect(asked.question == turn.question)
        #expect(asked.wordsPerSecond == 50)
        #expect(asked.earlier.isEmpty)
        let log = try #require(try await streams.read(try name(of: conversation.stream), from: .start))
        #expect(log.contentType.kind == .json)
        let turns = try log.events.map { try JSONDecoder().decode(DemoTurn.self, from: Data($0.body.data)) }
        #expect(turns == [turn])
        #expect(Offset(conversation.offset) == log.floor)
    }

    @Test("a model that remembers is told what was said before")
    func history() async throws {
        let model = ScriptedModel(streams, remembers: true)
        let api = DemoAPI(streams: streams, model: model)
        let (conversation, _) = try await ask(api, "One?")
        #expect(await post(api, question: "Two?", to: conversation.id).status == 201)
        #expect(model.asked.last?.earlier.map(\.question) == ["One?"])
        #expect(model.asked.last?.earlier.map(\.answer) == [" Hello \"you\""])
        let forgetful = DemoAPI(streams: streams, model: ScriptedModel(streams, from: 10))
        #expect(await post(forgetful, question: "Three?", to: conversation.id).status == 201)
    }

    @Test("conversations do not share a name")
    func separate() async throws {
        let api = DemoAPI(streams: streams, model: ScriptedModel(streams))
        let (first, _) = try await ask(api, "What is a gap event?")
        let (second, _) = try await ask(api, "What is a gap event?")
        #expect(first.id != second.id)
        #expect(first.id.utf8.count == 32)
    }

    @Test("what the model refuses, the page is told")
    func refused() async throws {
        let model = ScriptedModel(streams, refusal: Problem(429, "model-refused", title: "No.", detail: "Later."))
        let api = DemoAPI(streams: streams, model: model)
        let conversation = try await begin(api)
        let response = await post(api, question: "x", to: conversation.id)
        #expect(response.status == 429)
        #expect(String(decoding: response.body, as: UTF8.self).contains("Later."))
        #expect(try await streams.info(try name(of: conversation.stream))?.events == 0)
    }

    @Test("no model is asked for a conversation that is not kept")
    func unknownConversation() async throws {
        let model = ScriptedModel(streams)
        let api = DemoAPI(streams: streams, model: model)
        #expect(await post(api, question: "What is NDJSON?", to: "0123abcd").status == 404)
        #expect(model.asked.isEmpty)
    }

    @Test("an answer that no conversation could be told of is stopped")
    func endedConversation() async throws {
        let api = DemoAPI(streams: streams, model: ScriptedModel(streams))
        let conversation = try await begin(api)
        let end = AppendRequest(end: EndRequest(.done))
        _ = try await streams.append(try name(of: conversation.stream), end)
        #expect(await post(api, question: "x", to: conversation.id).status == 409)
        #expect(try await streams.info(try StreamName("relay/0"))?.end?.reason == .cancelled)
    }

    @Test(
        "a question that cannot be understood is told what to send",
        arguments: [
            ("", 400), ("[]", 400), (#"{"question": 5}"#, 400), (#"{"question": "  \n "}"#, 400),
            (#"{"question": "x", "wordsPerSecond": 0}"#, 400), (#"{"question": "x", "wordsPerSecond": 101}"#, 400),
        ]
    )
    func invalid(body: String, status: Int) async throws {
        let api = DemoAPI(streams: streams, model: ScriptedModel(streams))
        let conversation = try await begin(api)
        let route = DemoAPI.Route.ask(conversation: conversation.id)
        let response = await api.respond(to: route, method: "POST", body: [UInt8](body.utf8))
        #expect(response.status == status)
        #expect(response.headers.contains(HeaderField("Content-Type", "application/problem+json")))
    }

    @Test("a question longer than allowed is refused by its length")
    func tooLong() async throws {
        let api = DemoAPI(streams: streams, model: ScriptedModel(streams))
        let conversation = try await begin(api)
        let question = String(repeating: "x", count: 9_000)
        #expect(await post(api, question: question, to: conversation.id).status == 413)
    }

    @Test("other paths are not the demo's, and other methods are refused by name")
    func routes() async throws {
        let api = DemoAPI(streams: streams, model: ScriptedModel(streams))
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
}

/// A model whose answers are one word, still being written.
private final class ScriptedModel: DemoModel {
    let remembers: Bool
    private let streams: Streams
    private let refusal: Problem?
    private let first: Int
    private let questions = Mutex<[DemoAsked]>([])

    init(_ streams: Streams, remembers: Bool = false, refusal: Problem? = nil, from first: Int = 0) {
        self.streams = streams
        self.remembers = remembers
        self.refusal = refusal
        self.first = first
    }

    var asked: [DemoAsked] { questions.withLock(\.self) }

    func begin(_ asked: DemoAsked) async -> Result<DemoAnswer, Problem> {
        let number = questions.withLock { questions in
            questions.append(asked)
            return first + questions.count - 1
        }
        if let refusal { return .failure(refusal) }
        let chunks = [
            #"{"choices":[{"delta":{"content":" Hello"}}]}"#, #"{"choices":[{"delta":{"content":" \"you\""}}]}"#,
            "[DONE]",
        ]
        guard let name = try? StreamName("relay/\(number)") else { return .failure(.draining) }
        let events = EventBatch(chunks.map { EventBody(data: Array($0.utf8)) })
        _ = try? await streams.create(name, CreateRequest(options: StreamOptions(), events: events))
        return .success(DemoAnswer(stream: name, title: "Title", source: "Source"))
    }
}
