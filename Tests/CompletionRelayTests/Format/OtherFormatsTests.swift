import NIOCore
import ServerSentEvents
import StreamCore
import StreamHTTP
import Testing

@testable import CompletionRelay

@Suite("Gemini's, Ollama's and other streams")
struct OtherFormatsTests {
    /// A body, cut everywhere, and what the answer came to.
    private func read(
        _ text: String,
        _ format: WireFormat,
        _ names: EventNames = EventNames(),
        size: Int = 1,
        isClean: Bool = true
    ) -> (data: [String], end: String, tokens: Int?) {
        var reader = EventReader(format, names, eventBytes: 1000)
        var kept: [ProviderEventMachine.Kept] = []
        var rest = Array(text.utf8)[...]
        while !rest.isEmpty {
            kept += reader.received(ByteBuffer(bytes: rest.prefix(size))).kept
            rest = rest.dropFirst(size)
        }
        let last = reader.ended(isClean: isClean)
        let end = last.end.detail ?? last.end.reason.rawValue
        return ((kept + last.kept).map { String(decoding: $0.body.data, as: UTF8.self) }, end, reader.countedTokens)
    }

    private static func lines(_ data: [String], _ end: String = "\n") -> String { data.map { $0 + end }.joined() }
    private static func blocks(_ data: [String]) -> String { data.map { "data: \($0)\n\n" }.joined() }

    @Test("Gemini's is done when every candidate has finished and the body ends well", arguments: [1, 7, 1000])
    func gemini(size: Int) {
        let data = Scripts.gemini.map(\.data)
        let whole = read(Self.blocks(data), .gemini, size: size)
        #expect(whole.data == data && whole.end == "done" && whole.tokens == 5)
        #expect(read(Self.blocks(data), .gemini, isClean: false).end == "truncated")
        #expect(read(Self.blocks(Array(data.prefix(1))), .gemini).end == "truncated")
        #expect(read(Self.blocks([#"{"promptFeedback":{"blockReason":"SAFETY"}}"#]), .gemini).end == "done")
        let unspecified = #"{"candidates":[{"finishReason":"FINISH_REASON_UNSPECIFIED"}]}"#
        #expect(read(Self.blocks([unspecified]), .gemini).end == "truncated")
    }

    @Test("Gemini's errors are told as its clients raise them, in an event or beside one")
    func geminiErrors() {
        let error = #"{"error":{"code":503,"message":"Overloaded","status":"UNAVAILABLE"}}"#
        let told = read(Self.blocks([error]), .gemini)
        #expect(told.data == [error] && told.end == "Overloaded")
        for other in [#"[{"error":{"code":503,"message":"Overloaded"}}]"#, #"{ "error": {"message":"Overloaded"}}"#] {
            let untold = read(Self.blocks([other]), .gemini)
            #expect(untold.data.count == 2 && untold.end == "Overloaded")
            #expect(untold.data[1].hasPrefix(#"{"error":{"code":500,"message":"Overloaded","status":"INTERNAL""#))
        }
        #expect(read("{\n  \"error\": {\n \"message\": \"Overloaded\"}\n}\n", .gemini).end == "Overloaded")
        for data in [#"{"message":"Overloaded"}"#, "Overloaded"] {
            let named = read(Self.blocks(Scripts.gemini.map(\.data)) + "event: error\ndata: \(data)\n\n", .gemini)
            #expect(named.end == "Overloaded")
            #expect(named.data.last?.hasPrefix(#"{"error":{"code":500,"message":"Overloaded""#) == true)
        }
    }

    @Test("Ollama's lines are events, whatever ends them and whatever is between", arguments: [1, 7, 1000])
    func ollama(size: Int) {
        let data = Scripts.ollama.map(\.data)
        for end in ["\n", "\r\n", "\n\n", " \n  "] {
            let whole = read(Self.lines(data, end), .ollama, size: size)
            #expect(whole.data == data && whole.end == "done" && whole.tokens == 5)
        }
        // The last line may have no end, where the body ends well.
        #expect(read(data.joined(separator: "\n"), .ollama, size: size).end == "done")
        #expect(read(data.joined(separator: "\n"), .ollama, size: size, isClean: false).end == "truncated")
        #expect(read(Self.lines(Array(data.prefix(2))), .ollama).end == "truncated")
        // What follows the last word is no part of the answer.
        #expect(read(Self.lines(data + data), .ollama, size: size).data == data)
    }

    @Test("Ollama's errors are told as its clients raise them")
    func ollamaErrors() {
        let told = read(Self.lines([#"{"error":"model not found"}"#]), .ollama)
        #expect(told.data == [#"{"error":"model not found"}"#] && told.end == "model not found")
        let html = read("<html>\n", .ollama)
        #expect(html.data == [#"{"error":"the upstream sent a line that is no JSON"}"#])
        #expect(html.end == "the upstream sent a line that is no JSON")
    }

    @Test("A line that is too long ends the answer")
    func longLine() {
        var reader = EventReader(.ollama, eventBytes: 10)
        #expect(!reader.received(ByteBuffer(string: "12345678")).isTooLarge)
        #expect(reader.received(ByteBuffer(string: "90123")).isTooLarge)
    }

    @Test("Any other is done when it ends well, or with the last word that its setting names")
    func others() {
        let data = Scripts.agent.map(\.data)
        #expect(read(Self.blocks(data), .events).end == "done")
        #expect(read(Self.blocks(data), .events, isClean: false).end == "truncated")
        let named = EventNames(lastEvent: "RUN_FINISHED", error: "RUN_ERROR")
        #expect(read(Self.blocks(data), .events, named, isClean: false).end == "done")
        #expect(read(Self.blocks(Array(data.prefix(2))), .events, named).end == "truncated")
        #expect(read("event: RUN_FINISHED\ndata: x\n\n", .events, named).end == "done")
        let last = EventNames(last: "[END]")
        #expect(read(Self.blocks(["a", "[END]", "b"]), .events, last).data == ["a", "[END]"])
        #expect(read(Self.blocks(["a"]), .events, last).end == "truncated")
        #expect(read("data: a\n\ndata: [END]", .events, last).end == "done")
    }

    @Test("The last event counts without data too, and is not kept", arguments: [1, 3, 1000])
    func bareLast(size: Int) {
        let named = EventNames(lastEvent: "RUN_FINISHED", error: "RUN_ERROR")
        func end(_ text: String, isClean: Bool = false) -> String {
            let whole = read("data: a\n\n" + text, .events, named, size: size, isClean: isClean)
            #expect(whole.data.first == "a")
            return whole.end
        }
        for line in ["\n", "\r\n", "\r"] {
            for event in ["event: RUN_FINISHED", "event:RUN_FINISHED", "id: 1\nevent: x\nevent: RUN_FINISHED\n: y"] {
                #expect(end((event + "\n\n").replacing("\n", with: line)) == "done")
            }
            let late = "event: RUN_FINISHED\n\nevent: RUN_ERROR\ndata: late\n\n".replacing("\n", with: line)
            #expect(end(late) == "done")
            let early = "event: RUN_ERROR\ndata: early\n\nevent: RUN_FINISHED\n\n".replacing("\n", with: line)
            #expect(end(early) == "early")
        }
        #expect(read("data: a\n\nevent: RUN_FINISHED\n\n", .events, named, size: size).data == ["a"])
        // Without its blank line where the body ends well.
        for text in ["event: RUN_FINISHED", "event: RUN_FINISHED\n"] {
            #expect(end(text, isClean: true) == "done")
            #expect(end(text) == "truncated")
        }
        for other in [
            "event: RUN_FINISHED_NOT\n\n", "event: RUN_FINISHE\n\n", "event: RUN_FINISHED \n\n",
            "event: RUN_FINISHED\nevent: x\n\n", "events: RUN_FINISHED\n\n", ": event: RUN_FINISHED\n\n",
        ] {
            #expect(end(other, isClean: true) == "truncated", "\(other)")
        }
        #expect(end("event: RUN_FINISHED\ndata: b\n\n") == "done")
    }

    @Test("Any other has failed when an event of the configured name says so")
    func otherErrors() {
        let named = EventNames(error: "RUN_ERROR")
        #expect(read(Self.blocks([#"{"type":"RUN_ERROR","message":"No tool"}"#]), .events, named).end == "No tool")
        #expect(read("event: error\ndata: it broke\n\n", .events).end == "it broke")
        #expect(read("data: {\"event\":\"error\",\"message\":\"it broke\"}\n\n", .events).end == "it broke")
        #expect(read("event: error\ndata: it broke\n\n", .events, named).end == "done")
    }

    @Test("A type that stands there twice is still that type")
    func doubledType() {
        func isStream(_ type: String, _ format: WireFormat = .events) -> Bool {
            UpstreamResponse(status: 200, headers: [HeaderField("content-type", type)]) { _ in }.isStream(format)
        }
        #expect(isStream("text/event-stream"))
        #expect(isStream("Text/Event-Stream ; charset=utf-8"))
        #expect(isStream("text/event-stream, text/event-stream"))
        #expect(isStream("text/event-stream;charset=utf-8,text/event-stream; charset=utf-8"))
        #expect(isStream("application/x-ndjson, application/x-ndjson", .ollama))
        for other in ["", ",", ";", "application/json", "text/event-stream, application/json", "text/event-streams"] {
            #expect(!isStream(other), "\(other)")
        }
    }

    @Test("What a caller is told last is an error of the format")
    func closing() {
        func last(_ format: WireFormat, name: String = "error") -> String {
            let end = StreamEnd(reason: .failed, detail: "truncated", offset: Offset(milliseconds: 1, counter: 0))
            let words = ClosingEvents.after(.ended(end), in: format, events: 2, name: name)
            #expect(words.isTorn)
            return String(decoding: words.bytes, as: UTF8.self)
        }
        #expect(last(.gemini).hasPrefix(#"data: {"error":{"code":500,"message":"The connection"#))
        #expect(last(.ollama).hasPrefix(#"{"error":"The connection"#) && last(.ollama).hasSuffix("}\n"))
        #expect(
            last(.events, name: "RUN_ERROR").hasPrefix("event: RUN_ERROR\ndata: {\"type\":\"RUN_ERROR\",\"message\":")
        )
    }

    @Test("A caller's keys are found and taken out of a query, however they are written")
    func query() {
        let query = QueryText("?alt=sse&k%65y=a%2Bb&key=&x&Key=c&access%5Ftoken=d&OAUTH_TOKEN=e&keys=f&token=g")
        #expect(query.credentials == ["a+b", "", "c", "d", "e"])
        #expect(query.withoutCredentials == "?alt=sse&x&keys=f&token=g")
        #expect(QueryText("?key=a").withoutCredentials == "")
        #expect(QueryText("").credentials.isEmpty)
        #expect(query.values(of: "alt") == ["sse"] && query.values(of: "Alt").isEmpty)
    }
}
