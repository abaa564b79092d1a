import Testing

@testable import CompletionRelay

@Suite("What a provider says about its answer")
struct AnswerFactsTests {
    private func facts(_ format: WireFormat, _ events: String...) -> AnswerFacts {
        var facts = AnswerFacts(format)
        for event in events { facts.received(Array(event.utf8)) }
        return facts
    }

    private func check(_ facts: AnswerFacts, _ model: String?, _ tokens: [Int?], _ reasons: [String]) {
        #expect(facts.model == model)
        #expect([facts.inputTokens, facts.outputTokens] == tokens)
        #expect(facts.finishReasons == reasons)
    }

    @Test("is read in each format where it has it")
    func formats() {
        check(
            facts(
                .chat,
                #"{"model":"gpt","choices":[{"delta":{"content":"a"},"finish_reason":null}],"usage":null}"#,
                #"{"model":"other","choices":[{"delta":{},"finish_reason":"stop"},{"finish_reason":"length"}]}"#,
                #"{"choices":[],"usage":{"prompt_tokens":9,"completion_tokens":7}}"#,
                "[DONE]"
            ),
            "gpt",
            [9, 7],
            ["stop", "length"]
        )
        check(
            facts(
                .responses,
                #"{"type":"response.created","response":{"id":"r","model":"gpt","status":"in_progress"}}"#,
                #"{"type":"response.output_text.delta","delta":"a"}"#,
                #"{"type":"response.completed","response":{"model":"gpt","status":"completed","#
                    + #""usage":{"input_tokens":3,"output_tokens":5}}}"#
            ),
            "gpt",
            [3, 5],
            ["completed"]
        )
        check(
            facts(
                .responses,
                #"{"response":{"status":"incomplete","incomplete_details":{"reason":"max_output_tokens"}}}"#
            ),
            nil,
            [nil, nil],
            ["max_output_tokens"]
        )
        check(
            facts(
                .messages,
                #"{"type":"message_start","message":{"model":"claude","usage":{"input_tokens":2,"#
                    + #""cache_read_input_tokens":10,"cache_creation_input_tokens":1,"output_tokens":1}}}"#,
                #"{"type":"message_delta","delta":{"stop_reason":"end_turn"},"usage":{"output_tokens":6}}"#
            ),
            "claude",
            [13, 6],
            ["end_turn"]
        )
        check(
            facts(
                .gemini,
                #"{"modelVersion":"g","candidates":[{"content":{"parts":[{"text":"a"}]},"finishReason":"STOP"}],"#
                    + #""usageMetadata":{"promptTokenCount":3,"candidatesTokenCount":5}}"#
            ),
            "g",
            [3, 5],
            ["STOP"]
        )
        check(
            facts(.ollama, #"{"model":"m","done":true,"done_reason":"stop","prompt_eval_count":4,"eval_count":5}"#),
            "m",
            [4, 5],
            ["stop"]
        )
        check(facts(.events, #"{"model":"m","usage":{"output_tokens":5}}"#), nil, [nil, nil], [])
    }

    @Test("is a name or a count, and never a text")
    func hostile() {
        let text = "a part of an answer"
        let long = String(repeating: "x", count: 101)
        check(
            facts(
                .chat,
                #"{"model":"\#(text)","choices":[{"finish_reason":"\#(text)"},{"finish_reason":"\#(long)"}]}"#,
                #"{"usage":{"prompt_tokens":-1,"completion_tokens":99999999999}}"#
            ),
            nil,
            [nil, nil],
            []
        )
        var many = AnswerFacts(.chat)
        for number in 0..<20 { many.received(Array(#"{"choices":[{"finish_reason":"r\#(number)"}]}"#.utf8)) }
        #expect(many.finishReasons.count == 8)
    }

    @Test(
        "a call is named by its path",
        arguments: [
            ("/chat/completions", .openai, .chat), ("/responses/", .openai, .chat), ("/messages", .anthropic, .chat),
            ("/embeddings", .openai, .embeddings), ("/completions", .openAICompatible, .textCompletion),
            ("/v1beta/models/g:streamGenerateContent", .gemini, .generateContent),
            ("/v1beta/models/g:embedContent", .gemini, .embeddings), ("/api/chat", .ollama, .chat),
            ("/api/generate", .ollama, .textCompletion), ("/runs", .sse, .invokeAgent), ("/files", .openai, nil),
        ] as [(String, Upstream.Kind, CallOperation?)]
    )
    func operations(path: String, kind: Upstream.Kind, operation: CallOperation?) {
        #expect(CallOperation(method: "POST", path: path, of: kind) == operation)
        #expect(CallOperation(method: "GET", path: path, of: kind) == nil)
    }

    @Test(
        "an upstream is at a host and a port",
        arguments: [
            ("http://localhost:11434/v1", "localhost", 11434), ("https://api.openai.com/v1", "api.openai.com", 443),
            ("http://user:word@a.example/v1", "a.example", 80), ("http://[::1]:80/v1", "[::1]", 80), ("", nil, nil),
        ] as [(String, String?, Int?)]
    )
    func places(baseURL: String, host: String?, port: Int?) {
        let place = Upstream(name: "one", kind: .openai, baseURL: baseURL, key: .none).place
        #expect(place?.host == host && place?.port == port)
    }
}
