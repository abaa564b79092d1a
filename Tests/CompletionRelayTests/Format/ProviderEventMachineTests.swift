import ServerSentEvents
import StreamCore
import Testing
import TextCodecs

@testable import CompletionRelay

@Suite("What a provider's events mean")
struct ProviderEventMachineTests {
    @Test("a chat completion is done when [DONE] came, and not before")
    func chatDone() {
        var machine = ProviderEventMachine(.chat)
        let kept = take(Scripts.chat, &machine)
        #expect(machine.verdict == EndRequest(.done))
        #expect(machine.isOver)
        #expect(kept.map(\.body.data) == Scripts.chat.map { Array($0.data.utf8) })
        #expect(kept.filter(\.isToken).count == 3)
        #expect(machine.countedTokens == 7)
    }

    @Test("a response is done when response.completed came")
    func responseDone() {
        var machine = ProviderEventMachine(.responses)
        let kept = take(Scripts.responses, &machine)
        #expect(machine.verdict == EndRequest(.done))
        #expect(kept.map(\.body.type) == Scripts.responses.map(\.type))
        #expect(kept.filter(\.isToken).count == 2)
        #expect(machine.countedTokens == 5)
    }

    @Test("a message is done when message_stop came")
    func messageDone() {
        var machine = ProviderEventMachine(.messages)
        let kept = take(Scripts.messages, &machine)
        #expect(machine.verdict == EndRequest(.done))
        #expect(kept.filter(\.isToken).count == 2)
        #expect(machine.countedTokens == 6)
    }

    @Test("a connection that ends at any event before the last is truncated", arguments: WireFormat.completions)
    func truncated(format: WireFormat) {
        let script = Scripts.of(format)
        for count in 0..<script.count {
            var machine = ProviderEventMachine(format)
            _ = take(Array(script.prefix(count)), &machine)
            #expect(machine.disconnected(isClean: false) == EndRequest(.failed, detail: "truncated"))
            let isWhole = format == .chat && count > script.firstIndex { $0.data.contains("\"stop\"") }!
            let end = isWhole ? EndRequest(.done) : EndRequest(.failed, detail: "truncated")
            #expect(machine.disconnected(isClean: true) == end)
        }
        var machine = ProviderEventMachine(format)
        _ = take(script, &machine)
        #expect(machine.disconnected(isClean: false) == EndRequest(.done))
    }

    @Test(
        "an error that the provider tells ends the answer with its message, whatever follows",
        arguments: [
            (WireFormat.chat, "message", #"{"error":{"message":"Over \"it\"","type":"x","code":null}}"#),
            (.chat, "message", #"{"error":"Over \"it\""}"#),
            (.responses, "error", #"{"type":"error","code":"x","message":"Over \"it\"","param":null}"#),
            (.responses, "error", #"{"type":"error","error":{"message":"Over \"it\""}}"#),
            (
                .responses, "response.failed",
                #"{"type":"response.failed","response":{"error":{"message":"Over \"it\""}}}"#
            ),
            (.messages, "error", #"{"type":"error","error":{"type":"overloaded_error","message":"Over \"it\""}}"#),
        ]
    )
    func inBandError(format: WireFormat, type: String, data: String) {
        var machine = ProviderEventMachine(format)
        _ = take([ServerSentEvent(type: type, data: data)] + Scripts.of(format), &machine)
        #expect(machine.verdict == EndRequest(.failed, detail: "Over \"it\""))
        #expect(machine.disconnected(isClean: false) == EndRequest(.failed, detail: "Over \"it\""))
    }

    private static let further: [(WireFormat, String, String)] = [
        (.chat, "error", #"Over "it""#), (.responses, "error", #"Over "it""#), (.messages, "error", #"Over "it""#),
        (.chat, "message", #"{"object":"Error","message":"Over \"it\""}"#),
        (.messages, "message_delta", #"{"type":"message_delta","error":{"message":"Over \"it\""}}"#),
        (.chat, "Error", #"{"message":"Over \"it\""}"#),
        (.chat, "message", #"{"error":502,"message":"Over \"it\""}"#),
        (.chat, "message", #"{"error":{"message":null,"errors":[null,"Over \"it\""]}}"#),
        (.chat, "error", #"{"detail":[{"loc":["body"],"msg":"Over \"it\""}]}"#),
        (.chat, "message", #"{"error":"Bad Gateway","message":"Over \"it\""}"#),
        (
            .responses, "response.failed",
            #"{"type":"response.failed","response":{"error":null},"error":{"message":"Over \"it\""}}"#
        ),
        (
            .responses, "response.completed",
            #"{"type":"response.completed","response":{"status":"failed","error":{"message":"Over \"it\""}}}"#
        ),
    ]

    @Test("the words of an error are found wherever it has them", arguments: further)
    func words(format: WireFormat, type: String, data: String) {
        inBandError(format: format, type: type, data: data)
    }

    @Test(
        "each choice that has begun must have finished, with a reason that is no error",
        arguments: [
            ([(0, "stop")], true), ([(0, "length")], true), ([(0, "tool_calls"), (0, nil)], true),
            ([(0, "stop"), (1, nil)], false), ([(1, nil), (0, "stop"), (1, "stop")], true),
            ([(0, "")], false), ([(0, nil)], false), ([], false),
        ]
    )
    func choices(script: [(Int, String?)], isWhole: Bool) {
        var machine = ProviderEventMachine(.chat)
        for (index, reason) in script {
            let reason = reason.map { "\"\($0)\"" } ?? "null"
            let data = #"{"choices":[{"index":\#(index),"delta":{},"finish_reason":\#(reason)}]}"#
            _ = machine.received(ServerSentEvent(data: data))
        }
        #expect((machine.disconnected(isClean: true) == EndRequest(.done)) == isWhole)
        #expect(machine.disconnected(isClean: false) == EndRequest(.failed, detail: "truncated"))
    }

    @Test("choices without a number are told apart by their place")
    func unnumberedChoices() {
        for (second, isWhole) in [("null", false), ("\"stop\"", true)] {
            var machine = ProviderEventMachine(.chat)
            let data = #"{"choices":[{"delta":{},"finish_reason":"stop"},{"delta":{},"finish_reason":\#(second)}]}"#
            _ = machine.received(ServerSentEvent(data: data))
            #expect((machine.disconnected(isClean: true) == EndRequest(.done)) == isWhole)
        }
        var machine = ProviderEventMachine(.chat)
        for (index, finish) in [("\"0\"", "\"stop\""), ("\"1\"", "null")] {
            let data = "{\"choices\":[{\"index\":\(index),\"delta\":{},\"finish_reason\":\(finish)}]}"
            _ = machine.received(ServerSentEvent(data: data))
        }
        #expect(machine.disconnected(isClean: true) == EndRequest(.failed, detail: "truncated"))
    }

    @Test(
        "a failure is one in whatever dress, and is told as the format's clients understand it",
        arguments: [
            (WireFormat.chat, "message", #"{"object":"error","message":"it died","code":500}"#),
            (
                .chat, "message",
                #"{"choices":[{"index":0,"delta":{},"finish_reason":"error","error":{"message":"it died"}}]}"#
            ),
            (.chat, "message", #"{"choices":[{"index":0,"delta":{"content":"x"},"error":"it died"}]}"#),
            (.chat, "error", #"{"message":"it died","code":429}"#),
            (.chat, "error", #"{"detail":"it died"}"#), (.chat, "error", "it died"), (.responses, "error", "it died"),
            (.responses, "error", #"{"message":"it died","code":429}"#),
            (.chat, "message", #"[{"error":{"message":"it died"}}]"#),
            (.chat, "message", #"{"errors":[{"message":"it died"}]}"#),
            (.responses, "message", #"[{"error":{"message":"it died"}}]"#),
            (.responses, "message", #"{"object":"error","message":"it died"}"#),
            (.messages, "message", #"{"type":"error","error":{"message":"it died"}}"#),
            (.messages, "message", #"{"error":{"message":"it died"}}"#),
        ]
    )
    func dresses(format: WireFormat, type: String, data: String) throws {
        var machine = ProviderEventMachine(format)
        let kept = machine.received(ServerSentEvent(type: type, data: data))
        #expect(machine.verdict == EndRequest(.failed, detail: "it died"))
        #expect(kept.count == 2)
        #expect(kept[0].body.data == Array(data.utf8))
        let told = JSONSlice(kept[1].body.data)
        #expect(told["error"]?["message"]?.string == "it died")
        #expect(kept[1].body.type == (format == .chat ? nil : "error"))
        // What follows makes no success of it.
        _ = take(Scripts.of(format), &machine)
        #expect(machine.disconnected(isClean: true) == EndRequest(.failed, detail: "it died"))
    }

    @Test(
        "an error that says nothing is told in words, and never as null",
        arguments: [
            (WireFormat.responses, "response.failed", #"{"type":"response.failed","response":{"error":null}}"#),
            (.responses, "response.failed", #"{"type":"response.failed","response":{"error":{}}}"#),
            (.responses, "response.failed", #"{"type":"response.failed"}"#),
            (.responses, "error", #"{"type":null,"error":null}"#),
            (.messages, "error", #"{"error":null}"#), (.messages, "error", "null"), (.messages, "error", ""),
            (.chat, "message", #"{"error":{"message":null,"param":null}}"#),
            (.chat, "message", #"{"choices":[{"finish_reason":"error"}]}"#),
            (.chat, "message", #"{"choices":[{"finish_reason":"ERROR"}]}"#),
            (.chat, "error", "{}"),
        ]
    )
    func wordless(format: WireFormat, type: String, data: String) {
        var machine = ProviderEventMachine(format)
        _ = machine.received(ServerSentEvent(type: type, data: data))
        #expect(machine.verdict == EndRequest(.failed, detail: "the provider failed without saying why"))
    }

    @Test(
        "what says that there is no error is none",
        arguments: ["null", "false", "\"\"", "{}", "[]", "0", "{ }", "[ ]"]
    )
    func noError(error: String) {
        var machine = ProviderEventMachine(.chat)
        let data = "{\"error\":\(error),\"choices\":[{\"error\":\(error),\"delta\":{\"content\":\"x\"}}]}"
        #expect(machine.received(ServerSentEvent(data: data)).map(\.isToken) == [true])
        #expect(machine.verdict == nil)
    }

    @Test("a response that the provider cut short is not done")
    func incomplete() {
        var machine = ProviderEventMachine(.responses)
        let data = #"{"type":"response.incomplete","response":{"incomplete_details":{"reason":"max_output_tokens"}}}"#
        _ = machine.received(ServerSentEvent(type: "response.incomplete", data: data))
        #expect(machine.verdict == EndRequest(.failed, detail: "incomplete: max_output_tokens"))
    }

    @Test("a null error and null choices are what some servers send along")
    func lenient() {
        var machine = ProviderEventMachine(.chat)
        let kept = machine.received(
            ServerSentEvent(data: #"{"choices":null,"error":null,"usage":{"completion_tokens":2}}"#)
        )
        #expect(machine.verdict == nil)
        #expect(kept.map(\.isToken) == [false])
        #expect(machine.countedTokens == 2)
    }

    @Test("a count of tokens that no answer has is none", arguments: ["-1", "9223372036854775807", "1.5", "\"7\""])
    func impossibleCount(count: String) {
        var machine = ProviderEventMachine(.chat)
        for tokens in ["3", count] {
            _ = machine.received(ServerSentEvent(data: "{\"usage\":{\"completion_tokens\":\(tokens)}}"))
        }
        #expect(machine.countedTokens == 3)
    }

    @Test("what only keeps the connection says nothing, whatever came before it and in every format")
    func idle() {
        var chat = ProviderEventMachine(.chat)
        _ = chat.received(ServerSentEvent(data: #"{"choices":[],"usage":{"completion_tokens":2}}"#))
        #expect(chat.received(ServerSentEvent(data: #"{"choices":[]}"#)).map(\.said) == [.nothing])
        #expect(chat.received(ServerSentEvent(data: #"{"choices":[],"usage":null}"#)).map(\.said) == [.nothing])
        for format in WireFormat.allCases where format != .ollama {
            for name in ["ping", "keepalive"] {
                var machine = ProviderEventMachine(format)
                #expect(machine.received(ServerSentEvent(type: name, data: "{}")).map(\.said) == [.nothing])
            }
        }
        var agents = ProviderEventMachine(.events)
        #expect(agents.received(ServerSentEvent(data: #"{"type":"ping"}"#)).map(\.said) == [.nothing])
    }

    @Test("what is no JSON is kept as it is, and says nothing")
    func noJSON() {
        for format in WireFormat.completions {
            var machine = ProviderEventMachine(format)
            let kept = machine.received(ServerSentEvent(data: "{\"error\":"))
            #expect(machine.verdict == nil)
            #expect(kept.map(\.body.data) == [Array("{\"error\":".utf8)])
        }
    }

    @Test("an event named like one of Freshet's is kept behind a prefix, and shown without it")
    func reservedTypes() {
        var machine = ProviderEventMachine(.messages)
        for name in ReservedEventType.allCases.map(\.rawValue) + ["upstream:end", "upstream:upstream:x"] {
            let kept = machine.received(ServerSentEvent(type: name, data: "{}"))
            #expect(kept.map(\.body.type) == ["upstream:\(name)"])
            #expect(kept[0].body.type.map(ForeignEventType.shown) == name)
        }
        #expect(machine.verdict == nil)
        let odd = machine.received(ServerSentEvent(type: "a\0b", data: "{}"))
        #expect(odd.map(\.body.type) == ["a\u{FFFD}b"])
    }

    @Test("a long message is cut to what an end may carry, at a whole character")
    func longMessage() throws {
        let end = EndRequest.failed(String(repeating: "é", count: 2000))
        let detail = try #require(end.detail)
        #expect(detail.utf8.count <= 1024)
        #expect(detail.hasSuffix("é…"))
    }

    private func take(_ script: [ServerSentEvent], _ machine: inout ProviderEventMachine) -> [ProviderEventMachine.Kept]
    {
        var kept: [ProviderEventMachine.Kept] = []
        for event in script { kept += machine.received(event) }
        return kept
    }
}
