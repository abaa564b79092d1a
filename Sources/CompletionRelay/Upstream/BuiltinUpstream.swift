import NIOCore
import NIOHTTP1
package import StreamCore
import StreamHTTP
import TextCodecs

/// The upstream that needs no key and no network: answers are made in this process, and leave it as a provider's do,
/// event by event, in whichever format was asked for.
@available(freshet 0.1, *)
package struct BuiltinUpstream: UpstreamTransport {
    /// The name of its model.
    package static let model = "builtin"
    /// Words a second, where the request does not say (`words_per_second`).
    static let usualPace = 25.0

    private let answer: @Sendable (String) -> [String]
    private let time: any TimeSource
    private let clock: any Clock<Duration>

    /// - Parameter answer: the words of an answer to a question; joined they are its text.
    package init(
        time: any TimeSource = SystemTime(),
        clock: any Clock<Duration> = EventLoopClock(),
        answer: @escaping @Sendable (String) -> [String]
    ) {
        self.time = time
        self.clock = clock
        self.answer = answer
    }

    package func send(_ request: UpstreamRequest) async throws -> UpstreamResponse {
        if request.path == "/models" || request.path.utf8.starts(with: "/models?".utf8) { return json(200, Self.list) }
        if request.path == "/models/\(Self.model)" { return json(200, Self.entry) }
        guard request.method == "POST", let format = WireFormat(path: request.path),
            case .whole(let body) = request.body
        else { return refusal(404, "not_found", "The built-in model has no \(request.method) \(request.path).") }
        defer { body.drop() }
        let document = JSONSlice(body.bytes)
        guard let model = document["model"]?.string else {
            return refusal(400, "invalid_request", "Send a JSON object with `model` and a question.")
        }
        guard model == Self.model else {
            return refusal(404, "model_not_found", "There is no model `\(model)` here. Its name is `\(Self.model)`.")
        }
        guard let question = BuiltinQuestion(document, format) else {
            return refusal(400, "invalid_request", "Send a question: a message of the user, with text.")
        }
        let words = answer(question.text)
        let script = BuiltinScript(
            format: format,
            words: words,
            questionWords: question.text.split(separator: " ").count,
            id: RandomToken.text(),
            created: Int(time.wallMilliseconds() / 1000),
            sendsUsage: document["stream_options"]?["include_usage"]?.isTrue ?? false
        )
        guard document["stream"]?.isTrue ?? false else { return json(200, script.whole) }
        let interval = Duration.seconds(1) / question.wordsPerSecond
        return UpstreamResponse(status: 200, headers: [HeaderField("Content-Type", "text/event-stream")]) { take in
            try await play(script, interval, clock, take)
        }
    }

    /// The list of its models.
    static let list = JSONWriter.object { list in
        list.member("object", "list")
        list.member("data", raw: [UInt8(ascii: "[")] + Self.entry + [UInt8(ascii: "]")])
        list.member("has_more", false)
        list.member("first_id", Self.model)
        list.member("last_id", Self.model)
    }

    /// The model in a list of models, as OpenAI's and as Anthropic's clients read one.
    static let entry = JSONWriter.object { model in
        model.member("id", Self.model)
        model.member("object", "model")
        model.member("created", 0)
        model.member("owned_by", "freshet")
        model.member("type", "model")
        model.member("display_name", "Built-in")
        model.member("created_at", "1970-01-01T00:00:00Z")
    }

    private func refusal(_ status: Int, _ code: String, _ message: String) -> UpstreamResponse {
        var body = Array("{\"type\":\"error\",\"error\":{\"message\":".utf8)
        JSONWriter.appendString(message, to: &body)
        body.append(contentsOf: ",\"type\":\"invalid_request_error\",\"param\":null,\"code\":\"\(code)\"}}".utf8)
        return json(status, body)
    }

    private func json(_ status: Int, _ body: [UInt8]) -> UpstreamResponse {
        let fields = [HeaderField("Content-Type", "application/json"), HeaderField("Content-Length", "\(body.count)")]
        return UpstreamResponse(status: status, headers: fields) { try await $0(ByteBuffer(bytes: body)) }
    }
}

/// Each word is due at its own moment, counted from the start, so that waking up late does not add up.
@available(freshet 0.1, *)
private func play<C: Clock<Duration>>(
    _ script: BuiltinScript,
    _ interval: Duration,
    _ clock: C,
    _ take: (ByteBuffer) async throws -> Void
) async throws {
    let start = clock.now
    try await take(ByteBuffer(bytes: script.opening))
    for index in script.words.indices {
        try await clock.sleep(until: start.advanced(by: interval * index), tolerance: nil)
        try await take(ByteBuffer(bytes: script.word(at: index)))
    }
    try await take(ByteBuffer(bytes: script.closing))
}
