import FoundationEssentials
import FreshetServer
package import StreamCore
package import StreamHTTP
import TextCodecs

/// The two requests behind the chat page.
///
/// `POST /demo/conversations` makes a conversation, a JSON stream of turns. `POST /demo/conversations/{id}/questions`
/// has the model begin an answer, and tells the conversation of its stream. Everything else the page does with the
/// streams themselves, as any other program would.
@available(freshet 0.1, *)
package final class DemoAPI: Sendable {
    /// Bounds of what a visitor may ask for.
    package struct Limits: Sendable {
        package var questionBytes = 8_000
        /// Exchanges of a conversation that a model is told of.
        package var rememberedExchanges = 10
        /// Seconds after which a conversation that nobody reads is forgotten.
        package var idleSeconds = 24 * 60 * 60

        package init() {}
    }

    package static let prefix = "/demo/conversations"

    private let streams: Streams
    private let model: any DemoModel
    private let limits: Limits
    private let token: @Sendable () -> String

    /// `token` gives the part of a name that nobody can guess.
    package init(
        streams: Streams,
        model: any DemoModel,
        limits: Limits = Limits(),
        token: @escaping @Sendable () -> String = RandomToken.text
    ) {
        self.streams = streams
        self.model = model
        self.limits = limits
        self.token = token
    }

    /// Answers one of the two requests.
    package func respond(to route: Route, method: String, body: [UInt8]) async -> Response {
        guard method == "POST" else { return Response(.method(allowed: "POST, OPTIONS")) }
        do {
            switch route {
            case .begin: return try await begin()
            case .ask(let conversation): return try await ask(in: conversation, body)
            }
        } catch {
            return Response(error.asProblem)
        }
    }

    /// Which of the two requests a path is for.
    package enum Route: Sendable, Equatable {
        case begin
        case ask(conversation: String)

        /// Nil for a path, without a query, that is for neither.
        package init?(_ path: String) {
            guard path.hasPrefix(DemoAPI.prefix) else { return nil }
            let rest = path.dropFirst(DemoAPI.prefix.count)
            let parts = rest.split(separator: "/", omittingEmptySubsequences: false)
            if rest.isEmpty {
                self = .begin
            } else if parts.count == 3, parts[0].isEmpty, parts[2] == "questions" {
                self = .ask(conversation: String(parts[1]))
            } else {
                return nil
            }
        }
    }

    // MARK: The two requests

    private func begin() async throws(DemoFailure) -> Response {
        let id = token()
        let name = try conversationName(id)
        let outcome = try await create(name, contentType: Self.jsonType)
        guard case .created(let info) = outcome else { throw .problem(Self.takenName) }
        let made = DemoConversation(id: id, stream: Self.url(of: name), offset: info.birth.text)
        return Self.created(made, at: "/?c=\(id)")
    }

    private func ask(in conversation: String, _ body: [UInt8]) async throws(DemoFailure) -> Response {
        let conversation = try conversationName(conversation)
        let asked = try question(in: body)
        let answer = try await begin(asked, in: conversation)
        let turn = DemoTurn(
            question: asked.question,
            stream: Self.url(of: answer.stream),
            model: answer.model,
            title: answer.title,
            source: answer.source,
            next: answer.next
        )
        do {
            try await tell(conversation, turn)
        } catch {
            // Nobody will ever find it.
            _ = try? await streams.append(answer.stream, AppendRequest(end: EndRequest(.cancelled)))
            throw error
        }
        return Self.created(turn, at: turn.stream)
    }

    private func begin(
        _ asked: (question: String, speed: Double),
        in conversation: StreamName
    ) async throws(DemoFailure) -> DemoAnswer {
        let page = try await storing { () async throws(StoreError) in
            try await self.streams.read(conversation, from: .start, limit: PageLimit(bytes: 1 << 20))
        }
        guard let page else { throw .problem(Self.noConversation) }
        let earlier = model.remembers ? await exchanges(in: page) : []
        let question = DemoAsked(question: asked.question, earlier: earlier, wordsPerSecond: asked.speed)
        switch await model.begin(question) {
        case .success(let answer): return answer
        case .failure(let problem): throw .problem(problem)
        }
    }

    /// What was said before, as far as it is still kept.
    private func exchanges(in conversation: Page) async -> [DemoAsked.Exchange] {
        var exchanges: [DemoAsked.Exchange] = []
        let decoder = JSONDecoder()
        for event in conversation.events.suffix(limits.rememberedExchanges) {
            guard let turn = try? decoder.decode(DemoTurn.self, from: Data(event.body.data)),
                let name = try? StreamName(String(turn.stream.dropFirst(Self.url(of: "").count))),
                let answer = try? await streams.read(
                    name,
                    from: .start,
                    limit: PageLimit(events: 10_000, bytes: 4 << 20)
                )
            else { continue }
            let text = AnswerText.of(answer.events)
            if !text.isEmpty { exchanges.append(DemoAsked.Exchange(question: turn.question, answer: text)) }
        }
        return exchanges
    }

    private func tell(_ conversation: StreamName, _ turn: DemoTurn) async throws(DemoFailure) {
        let event = EventBody(data: Self.json(turn))
        let outcome = try await storing { () async throws(StoreError) in
            try await self.streams.append(conversation, AppendRequest(contentType: Self.jsonType, events: [event]))
        }
        switch outcome {
        case .appended: return
        case .notFound:
            throw .problem(Self.noConversation)
        default:
            throw .problem(
                Problem(
                    409,
                    "conversation-ended",
                    title: "The conversation has ended",
                    detail: "It takes no more questions. Begin another with POST \(Self.prefix)."
                )
            )
        }
    }

    // MARK: What is asked

    private func question(in body: [UInt8]) throws(DemoFailure) -> (question: String, speed: Double) {
        guard body.count <= limits.questionBytes else {
            throw .invalid("The request may have \(limits.questionBytes) bytes. Ask a shorter question.", status: 413)
        }
        guard let asked = try? JSONDecoder().decode(DemoQuestion.self, from: Data(body)) else {
            throw .invalid(#"Send a JSON object: {"question": "...", "wordsPerSecond": 12}."#)
        }
        let question = asked.question.split(whereSeparator: \.isWhitespace).joined(separator: " ")
        guard !question.isEmpty else { throw .invalid("The question is empty. Ask something.") }
        let speed = asked.wordsPerSecond ?? 12
        guard speed >= 1, speed <= 100 else {
            throw .invalid("wordsPerSecond is \(speed). Choose a number from 1 to 100.")
        }
        return (question, speed)
    }

    // MARK: Streams

    private func create(
        _ name: StreamName,
        contentType: ContentType
    ) async throws(DemoFailure) -> CreateOutcome {
        let expiry = StreamOptions.Expiry.idle(seconds: limits.idleSeconds)
        let options = StreamOptions(contentType: contentType, expiry: expiry)
        return try await storing { () async throws(StoreError) in
            try await self.streams.create(name, CreateRequest(options: options))
        }
    }

    private func storing<Value: Sendable>(
        _ body: () async throws(StoreError) -> Value
    ) async throws(DemoFailure) -> Value {
        do {
            return try await body()
        } catch {
            throw .store(error)
        }
    }

    private func conversationName(_ id: String) throws(DemoFailure) -> StreamName {
        guard id.utf8.count <= 64, id.utf8.allSatisfy(Self.isTokenByte) else {
            throw .invalid("A conversation's id is made of letters and digits.")
        }
        return try Self.name("demo/conversation/\(id)")
    }

    private static func name(_ text: String) throws(DemoFailure) -> StreamName {
        do {
            return try StreamName(text)
        } catch {
            throw .invalid("\(text) cannot name a stream.")
        }
    }

    private static func url(of name: some CustomStringConvertible) -> String { "/v1/stream/\(name)" }

    private static func isTokenByte(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "a")...UInt8(ascii: "z"),
            UInt8(ascii: "A")...UInt8(ascii: "Z"):
            true
        default: false
        }
    }

    private static let jsonType = ContentType("application/json")!

    private static let noConversation = Problem(
        404,
        "no-such-conversation",
        title: "No such conversation",
        detail: "No conversation has this id, or it is no longer kept. Begin one with POST \(prefix)."
    )

    private static let takenName = Problem(
        500,
        "name-taken",
        title: "A name was drawn twice",
        detail: "A random name is in use already, which should not happen. Ask again."
    )

    private static func created(_ value: some Encodable, at location: String) -> Response {
        Response(
            201,
            headers: [
                HeaderField("Content-Type", "application/json"), HeaderField("Cache-Control", "no-store"),
                HeaderField("Location", location),
            ],
            body: json(value)
        )
    }

    private static func json(_ value: some Encodable) -> [UInt8] {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.withoutEscapingSlashes, .sortedKeys]
        // Strings and arrays of strings always have a JSON form.
        return [UInt8](try! encoder.encode(value))
    }
}
