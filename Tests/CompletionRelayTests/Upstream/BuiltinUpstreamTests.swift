import Locks
import NIOCore
import ServerSentEvents
import StreamCore
import StreamHTTP
import Testing
import TextCodecs

@testable import CompletionRelay

@Suite("The built-in model")
struct BuiltinUpstreamTests {
    private static let words = ["Once", " upon \"a\"", "\n\ntime."]

    @Test(
        "streams in each format, ends with its last word, and says its words exactly",
        arguments: WireFormat.completions
    )
    func stream(format: WireFormat) async throws {
        let (answer, body) = try await ask(format, stream: true)
        #expect(answer.isStream(.chat))
        var parser = EventStreamParser()
        var machine = ProviderEventMachine(format)
        var said = ""
        for case .event(let event) in try parser.parse(body) {
            let kept = try #require(machine.received(event).first)
            #expect(event.data == "[DONE]" || JSONSlice(kept.body.data).raw.first == UInt8(ascii: "{"))
            guard kept.isToken else { continue }
            let data = JSONSlice(kept.body.data)
            let word =
                switch format {
                case .chat: data["choices"]?.elements.first?["delta"]?["content"]?.string
                case .responses: data["delta"]?.string
                case .messages: data["delta"]?["text"]?.string
                case .gemini, .ollama, .events: String?.none
                }
            said += word ?? "?"
        }
        #expect(said == Self.words.joined())
        #expect(machine.verdict?.reason == .done)
        #expect(machine.countedTokens == (format == .chat ? nil : 3))
    }

    @Test("answers in one document when no stream is asked for", arguments: WireFormat.completions)
    func whole(format: WireFormat) async throws {
        let (answer, body) = try await ask(format, stream: false)
        #expect(answer.header("Content-Type") == "application/json")
        let document = JSONSlice(body)
        let text =
            switch format {
            case .chat: document["choices"]?.elements.first?["message"]?["content"]?.string
            case .responses: document["output"]?.elements.first?["content"]?.elements.first?["text"]?.string
            case .messages: document["content"]?.elements.first?["text"]?.string
            case .gemini, .ollama, .events: String?.none
            }
        #expect(text == Self.words.joined())
    }

    @Test("each word is due at its own moment, counted from the start at the chosen pace")
    func pace() async throws {
        let clock = StepClock()
        _ = try await ask(.chat, stream: true, more: #","words_per_second":50"#, clock: clock)
        #expect(clock.deadlines.count == Self.words.count)
        for (index, deadline) in clock.deadlines.enumerated() {
            let distance = deadline - .milliseconds(20) * index
            #expect(distance > .microseconds(-1) && distance < .microseconds(1))
        }
    }

    @Test("is asked the user's last words, in whichever form")
    func question() {
        func text(_ body: String, _ format: WireFormat = .chat) -> String? {
            BuiltinQuestion(JSONSlice(Array(body.utf8)), format)?.text
        }
        let two =
            #"{"messages":[{"role":"user","content":"a"},{"role":"assistant","content":"b"},{"role":"user","content":"c"}]}"#
        #expect(text(two) == "c")
        #expect(text(#"{"messages":[{"role":"user","content":[{"type":"text","text":"d"},{"type":"image"}]}]}"#) == "d")
        #expect(text(#"{"input":"e"}"#, .responses) == "e")
        #expect(text(#"{"input":[{"role":"user","content":[{"type":"input_text","text":"f"}]}]}"#, .responses) == "f")
        #expect(text(#"{"messages":[{"role":"user","content":" "}]}"#) == nil)
        #expect(text("{}") == nil)
    }

    @Test("has one model, and says so")
    func models() async throws {
        let upstream = BuiltinUpstream { _ in Self.words }
        let list = try await upstream.send(UpstreamRequest(method: "GET", path: "/models"))
        #expect(list.status == 200)
        let body = Array(#"{"model":"gpt","messages":[{"role":"user","content":"a"}]}"#.utf8)
        let other = try await upstream.send(
            UpstreamRequest(method: "POST", path: "/chat/completions", body: .whole(CallBody(body)))
        )
        #expect(other.status == 404)
        #expect(try await upstream.send(UpstreamRequest(method: "GET", path: "/files")).status == 404)
    }

    private func ask(
        _ format: WireFormat,
        stream: Bool,
        more: String = "",
        clock: any Clock<Duration> = StepClock()
    ) async throws -> (UpstreamResponse, [UInt8]) {
        let upstream = BuiltinUpstream(clock: clock) { _ in Self.words }
        let question = format == .responses ? #""input":"Why?""# : #""messages":[{"role":"user","content":"Why?"}]"#
        let text = #"{"model":"builtin","stream":\#(stream),\#(question)\#(more)}"#
        let answer = try await upstream.send(
            UpstreamRequest(method: "POST", path: format.path, body: .whole(CallBody(Array(text.utf8))))
        )
        #expect(answer.status == 200)
        var body: [UInt8] = []
        try await answer.body { body.append(contentsOf: $0.readableBytesView) }
        return (answer, body)
    }
}

/// Time stands still, and whoever waits is let go at once.
private final class StepClock: Clock {
    typealias Instant = StillInstant

    private let asked = Mutex<[Duration]>([])

    var now: Instant { Instant(offset: .zero) }
    var minimumResolution: Duration { .nanoseconds(1) }
    var deadlines: [Duration] { asked.withLock(\.self) }

    func sleep(until deadline: Instant, tolerance: Duration?) async throws {
        asked.withLock { $0.append(deadline.offset) }
    }
}
