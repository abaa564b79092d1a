package import ServerSentEvents
package import StreamCore
import TextCodecs

/// What an answer's events mean for its stream: how each is kept, and how the stream ends.
///
/// It ends `done` only when the provider's own last word came; of a chat completion that is also a body that ends well
/// once every choice has finished. An error that the provider tells in the stream, in whatever dress, ends it `failed`
/// with that error's message; a connection that ends before either, `failed` with `truncated`.
@available(freshet 0.1, *)
package struct ProviderEventMachine: Sendable {
    /// One event of the provider, as it is kept.
    package struct Kept: Sendable, Equatable {
        package var body: EventBody
        package var said: Said
        /// What the provider calls the response, where this is the first event to say so.
        package var responseID: String?

        package var isToken: Bool { said == .token }
    }

    /// What an event says of the answer.
    package enum Said: Sendable, Equatable {
        /// It only keeps the connection: a ping, or a part of the answer without anything in it.
        case nothing
        /// It tells something about the answer.
        case something
        /// It carries a part of it; providers send one such event a token, or a few tokens.
        case token
    }

    package let format: WireFormat
    private let names: EventNames
    /// How the answer ends, once the provider has said so.
    package private(set) var verdict: EndRequest?
    /// Nothing that follows is part of the answer.
    package private(set) var isOver = false
    /// The tokens that the provider counted itself.
    package private(set) var countedTokens: Int?
    private var choices = ChatChoices()
    /// The usage that was told last, as it was written.
    private var usage: [UInt8] = []
    /// The last id of the response, and the one of the event that is looked at, where that is another.
    private var responseID: (last: String?, new: String?)
    /// The number of the next event, where it brings none of its own.
    private var nextNumber = 0

    package init(_ format: WireFormat, _ names: EventNames = EventNames()) {
        self.format = format
        self.names = names
    }

    /// The event as it is kept; after it, where it tells of a failure in a way that the format's clients do not
    /// understand, the same as they do.
    package mutating func received(_ event: ServerSentEvent) -> [Kept] {
        let data = Array(event.data.utf8)
        let hadVerdict = verdict != nil
        // Names are written in whichever case.
        let isError = event.type.lowercased() == "error"
        let (said, untold) =
            switch format {
            case .chat: chat(data, isError: isError)
            case .responses: response(isError ? "error" : event.type, data)
            case .messages: message(event.type, data)
            case .gemini: candidates(data, isError: isError)
            case .ollama: line(data)
            case .events: named(event.type, data)
            }
        // In whichever format, also in those whose clients do not look at names.
        let isIdle = said == .something && verdict == nil && Self.idle.contains(event.type)
        let body = EventBody(type: ForeignEventType.kept(event.type), data: data)
        var kept = [Kept(body: body, said: isIdle ? .nothing : said)]
        swap(&kept[0].responseID, &responseID.new)
        nextNumber += 1
        if let untold, !hadVerdict { kept.append(error(untold)) }
        return kept
    }

    /// The same for a format whose events are lines.
    mutating func received(line: [UInt8]) -> [Kept] {
        guard (try? JSONText.validate(line)) != nil else {
            return received(ProviderFailure(words: "the upstream sent a line that is no JSON"))
        }
        return received(ServerSentEvent(data: String(decoding: JSONText.singleLine(line), as: UTF8.self)))
    }

    /// The provider told of a failure outside of any event, which no client would see.
    package mutating func received(_ failure: ProviderFailure) -> [Kept] {
        guard verdict == nil else { return [] }
        decide(failure.end)
        return [error(failure)]
    }

    /// The last event came without data, as an event that no client is told of and that is not kept.
    mutating func receivedLast() { decide(EndRequest(.done)) }

    private mutating func error(_ failure: ProviderFailure) -> Kept {
        defer { nextNumber += 1 }
        return Kept(body: failure.event(in: format, number: nextNumber, name: names.error), said: .something)
    }

    /// The body has ended.
    ///
    /// - Parameter isClean: in good order: after its last chunk, its announced length, or, where it has neither, with
    ///   the connection's own end.
    package func disconnected(isClean: Bool) -> EndRequest {
        if let verdict { return verdict }
        switch format {
        case .chat, .gemini: if isClean, choices.areFinished { return EndRequest(.done) }
        case .events: if isClean, !names.hasLast { return EndRequest(.done) }
        case .responses, .messages, .ollama: break
        }
        return EndRequest(.failed, detail: RelayFailure.truncated.rawValue)
    }

    // MARK: -

    /// Names of events that only keep the connection.
    private static let idle: Set<String> = ["ping", "keepalive"]

    /// What an event says, and the failure that it tells of, where clients of the format would not see it.
    private typealias Reading = (said: Said, untold: ProviderFailure?)

    private mutating func chat(_ data: [UInt8], isError: Bool) -> Reading {
        // OpenAI's own clients stop at data that begins so.
        if data.starts(with: "[DONE]".utf8) {
            decide(EndRequest(.done))
            isOver = true
            return (.something, nil)
        }
        let event = JSONSlice(data)
        // vLLM sends `"choices": null` with the usage.
        let choices = event["choices"]?.elements ?? []
        var untold: ProviderFailure?
        if let failure = ProviderFailure(told: event) ?? ProviderFailure(choices: choices)
            ?? (isError ? ProviderFailure(of: data) : nil)
        {
            decide(failure.end)
            if !ProviderFailure.isTold(event["error"]) { untold = failure }
        }
        self.choices.received(choices)
        count(event["usage"]?["completion_tokens"])
        let isCounted = tellsMore(event["usage"])
        let hasToken = choices.contains { choice in
            if choice["text"]?.holdsText ?? false { return true }
            guard let delta = choice["delta"] else { return false }
            return Self.spoken.contains { delta[$0]?.holdsText ?? false }
        }
        if hasToken { return (.token, untold) }
        // Why a choice finished is text too.
        let saysSomething = isCounted || choices.contains(where: \.holdsText) || verdict != nil
        return (saysSomething ? .something : .nothing, untold)
    }

    /// Whether usage is told that was not told before: some servers send it along with everything.
    private mutating func tellsMore(_ usage: JSONSlice?) -> Bool {
        guard let usage, !usage.isNull, !usage.raw.elementsEqual(self.usage) else { return false }
        self.usage = Array(usage.raw)
        return true
    }

    /// Where a delta of a chat completion carries a part of the answer.
    private static let spoken = ["content", "tool_calls", "reasoning_content", "reasoning", "refusal", "function_call"]

    private mutating func response(_ name: String, _ data: [UInt8]) -> Reading {
        if data.starts(with: "[DONE]".utf8) {
            isOver = verdict != nil
            return (.something, nil)
        }
        let event = JSONSlice(data)
        let response = event["response"]
        var type = name == "error" ? name : event["type"]?.string ?? name
        // The object itself may say otherwise.
        if type == "response.completed", let status = response?["status"]?.string,
            ["failed", "incomplete", "cancelled"].contains(status)
        {
            type = "response.\(status)"
        }
        if let number = event["sequence_number"]?.integer { nextNumber = max(nextNumber, number) }
        if let id = response?["id"]?.string, !id.isEmpty, id != responseID.last { responseID = (id, id) }
        switch type {
        case "response.completed":
            let failure = Self.failure(of: response) ?? ProviderFailure(told: event)
            decide(failure?.end ?? EndRequest(.done))
        case "response.incomplete":
            let reason = response?["incomplete_details"]?["reason"]?.string ?? "the provider does not say why"
            decide(.failed("incomplete: \(reason)"))
        case "response.failed":
            decide((Self.failure(of: response) ?? ProviderFailure(told: event) ?? ProviderFailure(nil)).end)
        case "response.cancelled": decide(.failed("the provider cancelled the response"))
        case "error":
            let failure = ProviderFailure(of: data)
            decide(failure.end)
            // OpenAI's clients know the event by its `type`, and raise what has an `error`.
            let isTold = event["type"]?.string == "error" || ProviderFailure.isTold(event["error"])
            return (.something, isTold ? nil : failure)
        case _ where Self.idle.contains(type): return (.nothing, nil)
        default:
            if let failure = ProviderFailure(told: event) {
                decide(failure.end)
                return (.something, ProviderFailure.isTold(event["error"]) ? nil : failure)
            }
            guard type.hasSuffix(".delta") else { return (.something, nil) }
            return (event["delta"]?.holdsText ?? true ? .token : .nothing, nil)
        }
        count(response?["usage"]?["output_tokens"])
        return (.something, nil)
    }

    /// What the object of a response tells.
    private static func failure(of response: JSONSlice?) -> ProviderFailure? {
        guard let error = response?["error"], ProviderFailure.isTold(error) else { return nil }
        return ProviderFailure(error)
    }

    private mutating func message(_ name: String, _ data: [UInt8]) -> Reading {
        let event = JSONSlice(data)
        let told = ProviderFailure(told: event)
        // Anthropic's clients go by the event's name.
        switch name == "message" ? event["type"]?.string ?? name : name {
        case "message_stop" where told == nil: decide(EndRequest(.done))
        case "error":
            let failure = ProviderFailure(of: data)
            decide(failure.end)
            return (.something, name == "error" ? nil : failure)
        case "message_delta" where told == nil: count(event["usage"]?["output_tokens"])
        case "content_block_delta" where told == nil:
            return (event["delta"]?.holdsText ?? false ? .token : .nothing, nil)
        case "ping": return (.nothing, nil)
        default:
            guard let told else { break }
            decide(told.end)
            return (.something, told)
        }
        return (.something, nil)
    }

    private mutating func candidates(_ data: [UInt8], isError: Bool) -> Reading {
        let event = JSONSlice(data)
        var untold: ProviderFailure?
        if let failure = ProviderFailure(told: event) ?? (isError ? ProviderFailure(of: data) : nil) {
            decide(failure.end)
            // Google's client raises what begins so.
            if !event.raw.starts(with: "{\"error\":{".utf8) { untold = failure }
        }
        let candidates = event["candidates"]?.elements ?? []
        choices.received(candidates, finished: "finishReason")
        let isRefused = event["promptFeedback"]?["blockReason"]?.string != nil
        if isRefused { choices.refused() }
        count(event["usageMetadata"]?["candidatesTokenCount"])
        let isCounted = tellsMore(event["usageMetadata"])
        if candidates.contains(where: { $0["content"]?["parts"]?.holdsText ?? false }) { return (.token, untold) }
        let saysSomething = isCounted || isRefused || candidates.contains(where: \.holdsText) || verdict != nil
        return (saysSomething ? .something : .nothing, untold)
    }

    private mutating func line(_ data: [UInt8]) -> Reading {
        let event = JSONSlice(data)
        var untold: ProviderFailure?
        if let failure = ProviderFailure(told: event) {
            decide(failure.end)
            // Its clients raise whatever stands in `error`.
            if !ProviderFailure.isTold(event["error"]) { untold = failure }
        }
        if event["done"]?.isTrue ?? false {
            decide(EndRequest(.done))
            isOver = true
        }
        count(event["eval_count"])
        let message = event["message"]
        let parts = [
            event["response"], event["thinking"], message?["content"], message?["thinking"], message?["tool_calls"],
        ]
        if parts.contains(where: { $0?.holdsText ?? false }) { return (.token, untold) }
        let saysSomething = message?.holdsText ?? false || verdict != nil
        return (saysSomething ? .something : .nothing, untold)
    }

    /// An event of a protocol that is not known here: its name stands in the field for it, or in its data.
    private mutating func named(_ name: String, _ data: [UInt8]) -> Reading {
        if let last = names.last, data.elementsEqual(last.utf8) {
            decide(EndRequest(.done))
            isOver = true
            return (.something, nil)
        }
        let event = JSONSlice(data)
        let called = [name, event["type"]?.string, event["event"]?.string].compactMap(\.self)
        if called.contains(names.error) {
            decide(ProviderFailure(of: data).end)
        } else if let last = names.lastEvent, called.contains(last) {
            decide(EndRequest(.done))
        }
        return (verdict == nil && called.contains(where: Self.idle.contains) ? .nothing : .token, nil)
    }

    /// What no answer can have is no count: sums of it would go beyond every number, or back.
    private mutating func count(_ tokens: JSONSlice?) {
        guard let tokens = tokens?.integer, 0...1_000_000_000 ~= tokens else { return }
        countedTokens = tokens
    }

    /// The first word counts: what a provider adds after its error makes no success of it.
    private mutating func decide(_ end: EndRequest) {
        if verdict == nil { verdict = end }
    }
}

@available(freshet 0.1, *)
extension EndRequest {
    /// A failure with its reason, cut to what an end may carry.
    static func failed(_ detail: String) -> EndRequest {
        guard detail.utf8.count > 1024 else { return EndRequest(.failed, detail: detail) }
        var length = 0
        let kept = detail.prefix { character in
            length += character.utf8.count
            return length <= 1021
        }
        return EndRequest(.failed, detail: kept + "…")
    }
}
