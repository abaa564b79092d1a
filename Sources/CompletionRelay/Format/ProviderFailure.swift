package import StreamCore
package import TextCodecs

/// A failure that a provider tells of in its stream, in one of the many ways that there are.
@available(freshet 0.1, *)
package struct ProviderFailure: Sendable, Equatable {
    /// The provider's words.
    package var words: String
    /// The error as the provider wrote it, on one line, where it is an object with a message.
    var object: [UInt8]?
    /// The status that the provider would have answered with.
    var status: Int?
    /// How long to wait before another try, as the provider said it.
    var retryAfter: String?

    /// An error by itself: an object with a message, a message, or a number.
    package init(_ error: JSONSlice?) {
        words = error.flatMap { Self.words(of: $0) } ?? Self.unsaid
        // It goes into an event of ours, which is JSON by the letter.
        if let error, error["message"]?.string?.isEmpty == false, (try? JSONText.validate(error.raw)) != nil {
            object = JSONText.singleLine(Array(error.raw))
        }
    }

    package init(words: String) { self.words = words }

    /// What an event, or a line, tells that is an error by its name: JSON, or words.
    init(of data: [UInt8]) {
        let value = JSONSlice(data)
        let words = String(decoding: value.raw, as: UTF8.self)
        if words.isEmpty || value.isValue {
            self = ProviderFailure(told: value) ?? ProviderFailure(value)
        } else {
            self.init(words: words)
        }
    }

    /// What the body of a refusal tells; nil where that is no word.
    static func refused(_ body: JSONSlice) -> ProviderFailure? {
        guard let failure = ProviderFailure(told: body) ?? ProviderFailure(flat: body), failure.words != unsaid else {
            return nil
        }
        return failure
    }

    /// What an object that stands where none is expected tells by a message alone: `{"message": …, "code": …}`.
    init?(flat value: JSONSlice) {
        guard value["choices"] == nil, Self.messages.contains(where: { value[$0]?.string?.isEmpty == false }) else {
            return nil
        }
        self.init(value)
    }

    /// What a JSON text, or the first of an array that does, tells of: `{"error": …}`, `{"object": "error", …}`,
    /// `{"type": "error", …}`, `{"errors": […]}`. Nil where it tells of none.
    package init?(told value: JSONSlice) {
        if value.raw.first == UInt8(ascii: "[") {
            guard let first = value.elements.lazy.compactMap({ ProviderFailure(told: $0) }).first else { return nil }
            self = first
        } else if let error = value["error"], Self.isTold(error) {
            // Beside a mark, a number or a name of the error its words stand in the object itself.
            let hasWords = error.raw.first != UInt8(ascii: "{") && value["message"].flatMap { Self.said($0) } != nil
            self.init(error.isTrue || hasWords ? value : error)
        } else if ["object", "type"].contains(where: { Self.isError(value[$0]) }) {
            self.init(value)
        } else if value["choices"] == nil, let first = value["errors"]?.elements.first {
            self.init(first)
        } else {
            return nil
        }
    }

    /// What one of a completion's choices tells of: an error of its own, or that it finished with one.
    init?(choices: [JSONSlice]) {
        guard
            let choice = choices.first(where: {
                Self.isTold($0["error"]) || Self.isError($0["finish_reason"])
            })
        else { return nil }
        guard let error = choice["error"], Self.isTold(error) else {
            self.init(words: Self.unsaid)
            return
        }
        self.init(error.isTrue ? choice : error)
    }

    /// Whether the member `error` of an event says that there is one. Many send it along without.
    static func isTold(_ error: JSONSlice?) -> Bool {
        guard let error, error.saysSomething else { return false }
        return !error.raw.elementsEqual("false".utf8) && !error.raw.elementsEqual("0".utf8)
    }

    /// Whether a member that names a kind names an error, in whichever case.
    static func isError(_ name: JSONSlice?) -> Bool { name?.string?.lowercased() == "error" }

    package var end: EndRequest { .failed(words) }

    /// The failure as clients of the format understand it.
    ///
    /// - Parameters:
    ///   - number: the event's, where the format numbers them.
    ///   - name: the event's, where the format has none of its own.
    package func event(in format: WireFormat, number: Int = 0, name: String = "error") -> EventBody {
        let type = format == .messages ? "api_error" : "upstream_error"
        let error =
            object
            ?? JSONWriter.object { error in
                error.member("message", words)
                error.member("type", type)
                error.member("param", raw: "null".utf8)
                error.member("code", raw: "null".utf8)
            }
        switch format {
        case .chat: return EventBody(data: JSONWriter.object { $0.member("error", raw: error) })
        case .responses:
            let data = JSONWriter.object { event in
                event.member("type", "error")
                event.member("code", raw: JSONSlice(error)["code"]?.raw ?? Array("null".utf8)[...])
                event.member("message", words)
                event.member("param", raw: "null".utf8)
                event.member("sequence_number", number)
                event.member("error", raw: error)
            }
            return EventBody(type: "error", data: data)
        case .messages:
            let data = JSONWriter.object { event in
                event.member("type", "error")
                event.member("error", raw: error)
            }
            return EventBody(type: "error", data: data)
        case .gemini:
            let data = JSONWriter.object { event in
                event.member(
                    "error",
                    object: { error in
                        // Its clients compare the code with numbers.
                        error.member("code", status ?? 500)
                        error.member("message", words)
                        error.member("status", GoogleStatus.name(of: status ?? 500))
                        tellRetry(&error)
                    }
                )
            }
            return EventBody(data: data)
        case .ollama:
            let data = JSONWriter.object { event in
                event.member("error", words)
                if let status { event.member("status", status) }
                tellRetry(&event)
            }
            return EventBody(data: data)
        case .events:
            let data = JSONWriter.object { event in
                event.member("type", name)
                event.member("message", words)
                event.member("error", raw: error)
            }
            return EventBody(type: ForeignEventType.kept(name), data: data)
        }
    }

    func tellRetry(_ error: inout JSONWriter) {
        guard let retryAfter else { return }
        if let seconds = Int(retryAfter) {
            error.member("retry_after", seconds)
        } else {
            error.member("retry_after", retryAfter)
        }
    }

    // MARK: -

    private static let unsaid = "the provider failed without saying why"

    /// Where the words of an error stand, the best first.
    private static let members = ["message", "error", "errors", "detail", "msg", "reason", "code", "type", "status"]

    /// Of those, the ones that nothing but an error has for a text.
    private static let messages = ["message", "detail", "msg"]

    private static func words(of error: JSONSlice) -> String? {
        if let text = said(error) { return text }
        // Of several the first that says something.
        for one in error.elements { if let text = words(of: one) { return text } }
        for member in members {
            guard let value = error[member] else { continue }
            if let text = said(value) { return text }
            if value.raw.first == UInt8(ascii: "{"), let text = words(of: value) { return text }
            for one in value.elements { if let text = words(of: one) { return text } }
        }
        guard let first = error.raw.first, first == UInt8(ascii: "{") || first == UInt8(ascii: "[") else { return nil }
        // An object with nothing in it, or with nulls, says nothing to anybody.
        guard error.saysSomething, !error.raw.contains("null".utf8) else { return nil }
        return String(decoding: error.raw, as: UTF8.self)
    }

    /// A text, or a number.
    private static func said(_ value: JSONSlice) -> String? {
        if let text = value.string { return ["", "null"].contains(text) ? nil : text }
        guard let first = value.raw.first, first == UInt8(ascii: "-") || 0x30...0x39 ~= first else { return nil }
        return String(decoding: value.raw, as: UTF8.self)
    }
}
