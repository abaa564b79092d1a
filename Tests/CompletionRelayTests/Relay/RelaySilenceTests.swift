import NIOHTTP1
import StoreSuite
import StreamCore
import StreamHTTP
import Testing

@testable import CompletionRelay

@Suite("A relay leaves an upstream", .timeLimit(.minutes(10)))
struct RelaySilenceTests {
    private let streams = Streams(store: MemoryStreamStore())
    private let time = ManualTime()

    @Test("that does not begin to answer")
    func head() async throws {
        let upstream = ScriptedUpstream { _ in
            try await Task.sleep(for: .seconds(1000))
            return (200, [])
        }
        let relay = relay(upstream)
        async let begun = relay.begin(call(.chat))
        try await until { !upstream.requests.isEmpty }
        time.advance(by: .seconds(599))
        for _ in 0..<100 { await Task.yield() }
        #expect(relay.isBusy)
        time.advance(by: .seconds(1))
        guard case .response(let response) = await begun else {
            Issue.record("there is a stream")
            return
        }
        #expect(response.status == 504)
    }

    @Test(
        "that keeps its connection and says nothing",
        arguments: [
            (WireFormat.chat, ": processing\n\n"), (.chat, "retry: 1\n\n"), (.chat, "\n"), (.chat, "data: {}\n\n"),
            (.chat, "data: {\"choices\":[]}\n\n"), (.chat, "data: {\"choices\":[{\"index\":0,\"delta\":{}}]}\n\n"),
            (.chat, "data: {\"choices\":[{\"delta\":{\"content\":\"\"}}],\"usage\":null}\n\n"),
            (.messages, "event: content_block_delta\ndata: {\"delta\":{\"type\":\"text_delta\",\"text\":\"\"}}\n\n"),
            (.responses, "data: {\"type\":\"response.output_text.delta\",\"delta\":\"\"}\n\n"),
            (.gemini, "data: {\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"\"}],\"role\":\"model\"}}]}\n\n"),
            (.messages, "event: ping\ndata: {\"type\":\"ping\"}\n\n"),
            (.responses, "event: keepalive\ndata: {\"type\":\"keepalive\"}\n\n"),
        ]
    )
    func wordless(format: WireFormat, drip: String) async throws {
        let (upstream, name) = try await begin(format)
        for minute in 1...29 {
            try await send(drip, minutes: 1, upstream)
            #expect(try await streams.info(name)?.end == nil, "after \(minute) minutes")
        }
        time.advance(by: .seconds(60))
        try await ended(name, "upstream-silent")
        try await until { upstream.aborts == 1 }
    }

    @Test(
        "that floods it with nothing, in no time",
        arguments: [
            (WireFormat.chat, ": processing\n\n"), (.chat, "\n"),
            (.chat, "data: {\"choices\":[{\"delta\":{\"content\":\"\"}}]}\n\n"),
            (.messages, "event: ping\ndata: {\"type\":\"ping\"}\n\n"),
        ]
    )
    func flood(format: WireFormat, nothing: String) async throws {
        let (upstream, name) = try await begin(format)
        let piece = String(repeating: nothing, count: (1 << 20) / nothing.utf8.count)
        for _ in 0..<4 { try await send(piece, minutes: 0, upstream) }
        #expect(try await streams.info(name)?.end == nil)
        upstream.send(piece)
        upstream.send(piece)
        try await ended(name, "upstream-silent")
    }

    @Test(
        "but not one that says something now and then",
        arguments: [
            (WireFormat.chat, "data: {\"choices\":[{\"delta\":{\"content\":\"a\"}}]}\n\n"),
            (.chat, "data: {\"choices\":[{\"delta\":{\"tool_calls\":[{\"function\":{\"arguments\":\"{\"}}]}}]}\n\n"),
            (.chat, "data: {\"choices\":[{\"delta\":{\"reasoning_details\":[{\"text\":\"a\"}]}}]}\n\n"),
            (.chat, "data: {\"score\":NaN,\"choices\":[{\"delta\":{\"content\":\"a\"}}]}\n\n"),
            (.messages, "event: content_block_start\ndata: {}\n\n"),
            (.responses, "data: {\"type\":\"response.web_search_call.searching\"}\n\n"),
        ]
    )
    func words(format: WireFormat, word: String) async throws {
        let (upstream, name) = try await begin(format)
        for _ in 0..<20 { try await send(word, minutes: 9, upstream) }
        #expect(try await streams.info(name)?.end == nil)
        time.advance(by: .seconds(600))
        try await ended(name, "upstream-silent")
    }

    @Test("whose connection stays open after its last word, and the answer is whole")
    func lastWord() async throws {
        let (upstream, name) = try await begin(.messages)
        upstream.send(Scripts.text(Scripts.messages))
        try await until { upstream.taken == 2 }
        time.advance(by: .seconds(3600))
        try await until { try await streams.info(name)?.end != nil }
        #expect(try await streams.info(name)?.end?.reason == .done)
    }

    // MARK: -

    private func relay(_ upstream: ScriptedUpstream) -> Relay {
        var configuration = RelayConfiguration(upstreams: [one])
        configuration.unreadLimit = .seconds(1_000_000)
        return Relay(
            streams: streams,
            configuration: configuration,
            transports: ["one": upstream],
            time: time,
            clock: ImmediateClock()
        )
    }

    private let one = Upstream(name: "one", kind: .openAICompatible, baseURL: "http://x/v1", key: .caller)

    private func call(_ format: WireFormat) -> StreamingCall {
        StreamingCall(
            request: RelayRequest(method: "POST", path: format.path, headers: [:], baseURL: "http://localhost"),
            format: format,
            upstream: one,
            body: CallBody(Array("{\"stream\":true}".utf8))
        )
    }

    /// An answer that has begun.
    private func begin(_ format: WireFormat) async throws -> (ScriptedUpstream, StreamName) {
        let upstream = ScriptedUpstream([.piece(": hello\n\n")])
        guard case .stream(let name, _, _, _) = await relay(upstream).begin(call(format)) else { throw Never() }
        try await until { upstream.taken == 1 }
        return (upstream, name)
    }

    /// Time passes, then something comes.
    private func send(_ text: String, minutes: Int, _ upstream: ScriptedUpstream) async throws {
        let taken = upstream.taken
        time.advance(by: .seconds(minutes * 60))
        upstream.send(text)
        try await until { upstream.taken > taken }
    }

    private func ended(_ name: StreamName, _ detail: String) async throws {
        try await until { try await streams.info(name)?.end != nil }
        #expect(try await streams.info(name)?.end?.detail == detail)
    }

    private func until(_ isTrue: () async throws -> Bool) async throws {
        let deadline = ContinuousClock.now + .seconds(120)
        while try await !isTrue() {
            guard ContinuousClock.now < deadline else { throw Never() }
            await Task.yield()
        }
    }

    private struct Never: Error {}
}
