import ServerSentEvents
import StreamCore
import Testing
import TextCodecs

@testable import CompletionRelay

@Suite("What a part of an answer says")
struct SaidTests {
    private func said(_ format: WireFormat, _ events: [(type: String, data: String)]) -> [ProviderEventMachine.Said] {
        var machine = ProviderEventMachine(format)
        return events.flatMap { machine.received(ServerSentEvent(type: $0.type, data: $0.data)).map(\.said) }
    }

    private func said(_ format: WireFormat, _ data: String...) -> [ProviderEventMachine.Said] {
        said(format, data.map { ("message", $0) })
    }

    private func chat(_ choice: String) -> [ProviderEventMachine.Said] { said(.chat, "{\"choices\":[{\(choice)}]}") }

    @Test(
        "is nothing without text, reasoning, bytes of a tool call or a reason to finish",
        arguments: [
            "", #""delta":{}"#, #""delta":null"#, #""delta":{"content":""},"finish_reason":null"#,
            #""index":0,"delta":{"role":"assistant","content":"","refusal":null},"logprobs":null"#,
            #""delta":{"content":null,"reasoning_content":"","reasoning_details":[]}"#,
            #""delta":{"content":[{"type":"text","text":""}]}"#,
            #""delta":{"tool_calls":[{"index":0,"id":"call_1","type":"function","function":{"arguments":""}}]}"#,
            #""text":"""#, #""delta":{},"content_filter_results":{"hate":{"filtered":false,"severity":"safe"}}"#,
        ]
    )
    func emptyChoice(choice: String) {
        #expect(chat(choice) == [.nothing])
    }

    @Test(
        "is a part of the answer with any of them",
        arguments: [
            #""delta":{"content":" "}"#, #""text":"a""#, #""delta":{"reasoning":"Hm"}"#, #""delta":{"refusal":"No"}"#,
            #""delta":{"content":[{"type":"text","text":"a"}]}"#,
            #""delta":{"tool_calls":[{"index":0,"function":{"arguments":"{"}}]}"#,
            #""delta":{"tool_calls":[{"index":0,"id":"call_1","function":{"name":"f","arguments":""}}]}"#,
        ]
    )
    func token(choice: String) {
        #expect(chat(choice) == [.token])
    }

    @Test(
        "is something where it is unknown, or says why a choice finished",
        arguments: [
            #""delta":{},"finish_reason":"stop""#, #""delta":{"audio":{"data":"AAAA"}}"#,
            #""delta":{"content":""},"logprobs":{"content":[{"token":"a","logprob":-1}]}"#,
        ]
    )
    func something(choice: String) {
        #expect(chat(choice) == [.something])
    }

    @Test("is something with usage that was not told before")
    func usage() {
        let chat = { (tokens: Int) in
            "{\"choices\":[{\"delta\":{}}],\"usage\":{\"completion_tokens\":\(tokens)}}"
        }
        #expect(said(.chat, chat(1), chat(1), chat(2)) == [.something, .nothing, .something])
        let gemini = { (tokens: Int) in
            "{\"candidates\":[{\"content\":{}}],\"usageMetadata\":{\"thoughtsTokenCount\":\(tokens)}}"
        }
        #expect(said(.gemini, gemini(1), gemini(1), gemini(2)) == [.something, .nothing, .something])
    }

    @Test("is told alike in every format")
    func formats() {
        let message = { (delta: String) in
            ("content_block_delta", "{\"type\":\"content_block_delta\",\"delta\":\(delta)}")
        }
        #expect(
            said(
                .messages,
                [
                    message(#"{"type":"text_delta","text":""}"#),
                    message(#"{"type":"input_json_delta","partial_json":""}"#),
                    message(#"{"type":"thinking_delta","thinking":"Hm"}"#),
                    message(#"{"type":"signature_delta","signature":"Ab"}"#),
                ]
            ) == [.nothing, .nothing, .token, .token]
        )
        let response = { (delta: String) in "{\"type\":\"response.output_text.delta\"\(delta)}" }
        #expect(
            said(.responses, response(#","delta":"""#), response(#","delta":"a""#), response(""))
                == [.nothing, .token, .token]
        )
        let gemini = { (part: String) in "{\"candidates\":[{\"content\":{\"parts\":[{\(part)}]},\"index\":0}]}" }
        #expect(
            said(
                .gemini,
                gemini(#""text":"""#),
                gemini(#""text":"a""#),
                gemini(#""functionCall":{"name":"f","args":{}}"#),
                #"{"candidates":[{"safetyRatings":[{"category":"X","probability":"LOW"}]}]}"#,
                #"{"candidates":[{"finishReason":"STOP"}]}"#,
                #"{"promptFeedback":{"blockReason":"SAFETY"}}"#
            ) == [.nothing, .token, .token, .nothing, .something, .something]
        )
        let ollama = { (rest: String) in "{\"model\":\"m\",\"created_at\":\"2026\",\(rest)}" }
        #expect(
            said(
                .ollama,
                ollama(#""response":"","done":false"#),
                ollama(#""response":"a""#),
                ollama(#""message":{"role":"assistant","content":"","thinking":"Hm"}"#),
                ollama(#""message":{"role":"assistant","content":""},"done":true"#)
            ) == [.nothing, .token, .token, .something]
        )
    }

    @Test("is seen beside what Python writes for numbers that are none", arguments: ["NaN", "Infinity", "-Infinity"])
    func nonNumbers(word: String) {
        let text = "{\"score\":\(word),\"choices\":[{\"index\":0,\"delta\":{\"content\":\"a\"},\"logprob\":\(word)}]}"
        let end = "{\"score\":\(word),\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}]}"
        var machine = ProviderEventMachine(.chat)
        let kept = [text, end].flatMap { machine.received(ServerSentEvent(data: $0)) }
        #expect(kept.map { String(decoding: $0.body.data, as: UTF8.self) } == [text, end])
        #expect(kept.map(\.said) == [.token, .something])
        #expect(machine.disconnected(isClean: true) == EndRequest(.done))

        // An event of our own is JSON by the letter.
        var failed = ProviderEventMachine(.responses)
        let error = "{\"x\":\(word),\"message\":\"Overloaded\"}"
        let told = failed.received(ServerSentEvent(type: "error", data: error))
        #expect(failed.verdict == .failed("Overloaded"))
        #expect(told.count == 2 && told.last.map { (try? JSONText.validate($0.body.data)) != nil } == true)
    }
}
