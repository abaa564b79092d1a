import StreamHTTP
import TextCodecs

/// An answer of the built-in model as a provider would send it: the events before its words, one for each word, and
/// those after; or all of it in one document.
@available(freshet 0.1, *)
struct BuiltinScript: Sendable {
    var format: WireFormat
    var words: [String]
    var questionWords: Int
    var id: String
    /// Seconds since 1970.
    var created: Int
    var sendsUsage: Bool

    private var model: String { BuiltinUpstream.model }
    private var text: String { Self.quoted(words.joined()) }

    // MARK: As a stream

    var opening: [UInt8] {
        switch format {
        case .chat: chunk("{\"role\":\"assistant\",\"content\":\"\"}")
        case .responses:
            event("response.created", 0, "\"response\":\(response(status: "in_progress", output: "", usage: "null"))")
                + event(
                    "response.in_progress",
                    1,
                    "\"response\":\(response(status: "in_progress", output: "", usage: "null"))"
                )
                + event(
                    "response.output_item.added",
                    2,
                    "\"output_index\":0,\"item\":\(item(status: "in_progress", content: ""))"
                )
                + event("response.content_part.added", 3, "\(place),\"part\":\(part("\"\""))")
        case .messages:
            event(
                "message_start",
                nil,
                "\"message\":\(message(content: "", stop: "null", outputTokens: 0))"
            )
                + event("content_block_start", nil, "\"index\":0,\"content_block\":{\"type\":\"text\",\"text\":\"\"}")
        case .gemini, .ollama, .events: Self.unknown(format)
        }
    }

    func word(at index: Int) -> [UInt8] {
        let word = Self.quoted(words[index])
        return switch format {
        case .chat: chunk("{\"content\":\(word)}")
        case .responses: event("response.output_text.delta", 4 + index, "\(place),\"delta\":\(word),\"logprobs\":[]")
        case .messages:
            event("content_block_delta", nil, "\"index\":0,\"delta\":{\"type\":\"text_delta\",\"text\":\(word)}")
        case .gemini, .ollama, .events: Self.unknown(format)
        }
    }

    var closing: [UInt8] {
        switch format {
        case .chat:
            chunk("{}", finish: "\"stop\"") + (sendsUsage ? usageChunk : []) + Array("data: [DONE]\n\n".utf8)
        case .responses:
            event("response.output_text.done", 4 + words.count, "\(place),\"text\":\(text),\"logprobs\":[]")
                + event("response.content_part.done", 5 + words.count, "\(place),\"part\":\(part(text))")
                + event("response.output_item.done", 6 + words.count, "\"output_index\":0,\"item\":\(wholeItem)")
                + event("response.completed", 7 + words.count, "\"response\":\(wholeResponse)")
        case .messages:
            event("content_block_stop", nil, "\"index\":0")
                + event(
                    "message_delta",
                    nil,
                    "\"delta\":{\"stop_reason\":\"end_turn\",\"stop_sequence\":null},\"usage\":{\"output_tokens\":\(words.count)}"
                )
                + event("message_stop", nil, nil)
        case .gemini, .ollama, .events: Self.unknown(format)
        }
    }

    private func chunk(_ delta: String, finish: String = "null") -> [UInt8] {
        let choice = "{\"index\":0,\"delta\":\(delta),\"logprobs\":null,\"finish_reason\":\(finish)}"
        let usage = sendsUsage ? ",\"usage\":null" : ""
        return Array("data: {\(head("chat.completion.chunk")),\"choices\":[\(choice)]\(usage)}\n\n".utf8)
    }

    private var usageChunk: [UInt8] {
        Array("data: {\(head("chat.completion.chunk")),\"choices\":[],\"usage\":\(chatUsage)}\n\n".utf8)
    }

    private func event(_ type: String, _ number: Int?, _ members: String?) -> [UInt8] {
        let number = number.map { ",\"sequence_number\":\($0)" } ?? ""
        let members = members.map { ",\($0)" } ?? ""
        return Array("event: \(type)\ndata: {\"type\":\"\(type)\"\(number)\(members)}\n\n".utf8)
    }

    // MARK: As a whole

    var whole: [UInt8] {
        switch format {
        case .chat:
            let message = "{\"role\":\"assistant\",\"content\":\(text),\"refusal\":null}"
            let choice = "{\"index\":0,\"message\":\(message),\"logprobs\":null,\"finish_reason\":\"stop\"}"
            return Array("{\(head("chat.completion")),\"choices\":[\(choice)],\"usage\":\(chatUsage)}".utf8)
        case .responses: return Array(wholeResponse.utf8)
        case .messages:
            let content = "{\"type\":\"text\",\"text\":\(text)}"
            return Array(message(content: content, stop: "\"end_turn\"", outputTokens: words.count).utf8)
        case .gemini, .ollama, .events: Self.unknown(format)
        }
    }

    private func head(_ object: String) -> String {
        "\"id\":\"chatcmpl-\(id)\",\"object\":\"\(object)\",\"created\":\(created),\"model\":\"\(model)\""
    }

    private var chatUsage: String {
        "{\"prompt_tokens\":\(questionWords),\"completion_tokens\":\(words.count),\"total_tokens\":\(questionWords + words.count)}"
    }

    private var place: String { "\"item_id\":\"msg_\(id)\",\"output_index\":0,\"content_index\":0" }

    private func part(_ text: String) -> String { "{\"type\":\"output_text\",\"text\":\(text),\"annotations\":[]}" }

    private func item(status: String, content: String) -> String {
        "{\"id\":\"msg_\(id)\",\"type\":\"message\",\"status\":\"\(status)\",\"role\":\"assistant\",\"content\":[\(content)]}"
    }

    private var wholeItem: String { item(status: "completed", content: part(text)) }

    private func response(status: String, output: String, usage: String) -> String {
        "{\"id\":\"resp_\(id)\",\"object\":\"response\",\"created_at\":\(created),\"status\":\"\(status)\",\"error\":null,"
            + "\"incomplete_details\":null,\"instructions\":null,\"metadata\":{},\"model\":\"\(model)\","
            + "\"output\":[\(output)],\"parallel_tool_calls\":false,\"temperature\":null,\"tool_choice\":\"none\","
            + "\"tools\":[],\"top_p\":null,\"usage\":\(usage)}"
    }

    private var wholeResponse: String {
        let usage =
            "{\"input_tokens\":\(questionWords),\"input_tokens_details\":{\"cached_tokens\":0},\"output_tokens\":\(words.count),"
            + "\"output_tokens_details\":{\"reasoning_tokens\":0},\"total_tokens\":\(questionWords + words.count)}"
        return response(status: "completed", output: wholeItem, usage: usage)
    }

    private func message(content: String, stop: String, outputTokens: Int) -> String {
        "{\"id\":\"msg_\(id)\",\"type\":\"message\",\"role\":\"assistant\",\"model\":\"\(model)\",\"content\":[\(content)],"
            + "\"stop_reason\":\(stop),\"stop_sequence\":null,"
            + "\"usage\":{\"input_tokens\":\(questionWords),\"output_tokens\":\(outputTokens)}}"
    }

    private static func unknown(_ format: WireFormat) -> Never {
        preconditionFailure("the built-in model is asked by the paths behind /v1, which are not those of \(format)")
    }

    private static func quoted(_ text: String) -> String {
        var bytes: [UInt8] = []
        JSONWriter.appendString(text, to: &bytes)
        return String(decoding: bytes, as: UTF8.self)
    }
}
