import Locks
import NIOCore
import NIOHTTP1
import ServerSentEvents
import StoreSuite
import StreamCore
import StreamHTTP
import Testing
import TextCodecs

@testable import CompletionRelay

@Suite("A relay", .timeLimit(.minutes(10)))
struct RelayTests {
    private let streams = Streams(store: MemoryStreamStore())

    @Test("keeps an answer event for event and ends it done", arguments: WireFormat.completions)
    func whole(format: WireFormat) async throws {
        let script = Scripts.of(format)
        let upstream = ScriptedUpstream([.piece(Scripts.text(script)), .end])
        let relay = relay(upstream)
        let page = try await answer(relay, format)
        #expect(page.events.map { String(decoding: $0.body.data, as: UTF8.self) } == script.map(\.data))
        #expect(page.events.map { $0.body.type ?? "message" } == script.map(\.type))
        #expect(page.end?.reason == .done)
        #expect(upstream.requests.count == 1)
    }

    @Test("asks for identity encoding, and passes on neither cookies nor its own fields")
    func fields() async throws {
        let upstream = ScriptedUpstream([.piece(Scripts.text(Scripts.chat)), .end])
        let headers: HTTPHeaders = [
            "Authorization": "Bearer caller", "Cookie": "freshet=1", "Accept-Encoding": "gzip", "Host": "here",
            "Freshet-Key": "secret", "Freshet-Anything": "1", "X-Forwarded-For": "10.0.0.1", "Connection": "x-hop",
            "OpenAI-Organization": "org", "x-hop": "1",
        ]
        _ = try await answer(relay(upstream), .chat, headers: headers)
        let sent = try #require(upstream.requests.first)
        #expect(sent.headers["Authorization"] == ["Bearer caller"])
        #expect(sent.headers["Accept-Encoding"] == ["identity"])
        #expect(sent.headers["OpenAI-Organization"] == ["org"])
        for name in ["Cookie", "Host", "Freshet-Key", "Freshet-Anything", "X-Forwarded-For", "x-hop"] {
            #expect(sent.headers[name].isEmpty, "\(name)")
        }
    }

    @Test("calls with its own key where it has one, and with nothing of the caller's then")
    func ownKey() async throws {
        for (kind, field, value) in [
            (Upstream.Kind.openai, "Authorization", "Bearer own"), (.anthropic, "x-api-key", "own"),
        ] {
            let upstream = ScriptedUpstream([.piece(Scripts.text(Scripts.chat)), .end])
            let relay = relay(upstream, kind: kind, key: .own("KEY"))
            let sent: HTTPHeaders = [
                "Authorization": "Bearer caller", "x-api-key": "caller", "api-key": "caller",
                "X-Goog-Api-Key": "caller", "Ocp-Apim-Subscription-Key": "caller", "X-Auth-Token": "caller",
            ]
            _ = try await answer(relay, .chat, headers: sent)
            let headers = try #require(upstream.requests.first).headers
            #expect(headers[field] == [value])
            #expect(headers.filter { $0.value.contains("caller") }.isEmpty)
        }
    }

    @Test("an upstream that sends bytes of any size is understood the same", arguments: [1, 2, 7, 64])
    func chunking(size: Int) async throws {
        let text = ": hello\r\nretry: 1\r\nid: 5\r\n\r\n" + Scripts.text(Scripts.messages).replacing("\n", with: "\r\n")
        var pieces: [ScriptedUpstream.Step] = []
        var rest = text.unicodeScalars[...]
        while !rest.isEmpty {
            pieces.append(.piece(String(rest.prefix(size))))
            rest = rest.dropFirst(size)
        }
        let page = try await answer(relay(ScriptedUpstream(pieces + [.end])), .messages)
        #expect(page.events.map { String(decoding: $0.body.data, as: UTF8.self) } == Scripts.messages.map(\.data))
        #expect(page.end?.reason == .done)
    }

    @Test("one key begins one answer, also for calls that come while the first still waits for its first byte")
    func concurrent() async throws {
        let gate = Latch()
        let upstream = ScriptedUpstream([.piece(Scripts.text(Scripts.chat)), .end]) { _ in
            await gate.opened()
            return (200, [HeaderField("Content-Type", "text/event-stream")])
        }
        let relay = relay(upstream)
        let names = try await withThrowingTaskGroup(of: StreamName.self) { group in
            for _ in 0..<8 { group.addTask { try stream(await relay.begin(call(.chat, key: "k"))) } }
            while upstream.requests.isEmpty { await Task.yield() }
            gate.open()
            return try await group.reduce(into: Set<StreamName>()) { $0.insert($1) }
        }
        #expect(names.count == 1)
        _ = try await untilEnd(of: try #require(names.first))
        // And long after.
        #expect(try stream(await relay.begin(call(.chat, key: "k"))) == names.first)
        #expect(upstream.requests.count == 1)
    }

    @Test("the socket that is measured is that of whoever began the answer")
    func socket() async throws {
        let relay = relay(ScriptedUpstream([.piece(Scripts.text(Scripts.chat))]))
        for isFirst in [true, false, false] {
            guard case .stream(_, _, _, let call) = await relay.begin(call(.chat, key: "k")) else {
                Issue.record("there is no stream")
                return
            }
            #expect((call != nil) == isFirst)
        }
        await relay.conclude()
    }

    @Test("a key that comes with another body is refused, before the first answer's end and after it")
    func otherBody() async throws {
        let upstream = ScriptedUpstream([.piece(Scripts.text(Scripts.chat))])
        let relay = relay(upstream)
        let name = try stream(await relay.begin(call(.chat, key: "k")))
        #expect(try status(await relay.begin(call(.chat, key: "k", body: "{\"stream\":true,\"n\":2}"))) == 422)
        upstream.end()
        _ = try await untilEnd(of: name)
        #expect(try status(await relay.begin(call(.chat, key: "k", body: "{\"stream\":true,\"n\":2}"))) == 422)
    }

    @Test("another caller's key, and another route's, is another key")
    func scope() async throws {
        let upstream = ScriptedUpstream()
        let relay = relay(upstream)
        let first = try stream(await relay.begin(call(.chat, key: "k")))
        let others = [
            call(.chat, key: "k", headers: ["Authorization": "Bearer other"]), call(.messages, key: "k"),
            call(.chat, key: "k", headers: ["x-goog-api-key": "one"]),
            call(.chat, key: "k", headers: ["x-goog-api-key": "other"]),
            call(.chat, key: "k", headers: ["Ocp-Apim-Subscription-Key": "gateway"]),
            call(.chat, key: "k", headers: ["X-Auth-Token": "token"]),
            call(.chat, key: "k2"),
        ]
        for other in others { #expect(try stream(await relay.begin(other)) != first) }
        #expect(upstream.requests.count == 8)
        await relay.conclude()
    }

    @Test("the key and the stream are kept before the upstream is called")
    func before() async throws {
        let streams = streams
        let upstream = ScriptedUpstream([.end]) { _ in
            let names = try await streams.list(prefix: "", after: nil, limit: 10).map(\.name.text)
            #expect(names.count == 2)
            #expect(names.contains { $0.hasPrefix("relay/") })
            #expect(names.contains { $0.hasPrefix("__freshet/relay/key/") })
            return (200, [HeaderField("Content-Type", "text/event-stream")])
        }
        _ = try await untilEnd(of: try stream(await relay(upstream).begin(call(.chat, key: "k"))))
    }

    @Test("an answer that is no longer kept is not made again")
    func expired() async throws {
        let upstream = ScriptedUpstream([.piece(Scripts.text(Scripts.chat)), .end])
        let relay = relay(upstream)
        let name = try stream(await relay.begin(call(.chat, key: "k")))
        _ = try await untilEnd(of: name)
        while relay.isBusy { await Task.yield() }
        #expect(try await streams.remove(name))
        #expect(try stream(await relay.begin(call(.chat, key: "k"))) == name)
        #expect(upstream.requests.count == 1)
    }

    @Test("the key is kept for longer than the answer")
    func lifetimes() async throws {
        let relay = relay(ScriptedUpstream())
        let name = try stream(await relay.begin(call(.chat, key: "k")))
        let answer = try #require(try await streams.info(name))
        let record = try #require(try await streams.list(prefix: IdempotencyRecord.prefix, after: nil, limit: 1).first)
        guard case .at(let first) = answer.options.expiry, case .at(let second) = record.options.expiry else {
            Issue.record("\(answer.options) \(record.options)")
            return
        }
        #expect(second - first >= 86_400_000)
        await relay.conclude()
    }

    @Test("a refusal keeps its status, its fields and its body; a key finds it again and nothing is called")
    func refused() async throws {
        let upstream = ScriptedUpstream([.piece("{\"error\":{\"message\":\"Slow down\"}}"), .end]) { _ in
            (429, [HeaderField("Content-Type", "application/json"), HeaderField("Retry-After", "7")])
        }
        let relay = relay(upstream)
        for _ in 0..<2 {
            guard case .response(let response) = await relay.begin(call(.chat, key: "k")) else {
                Issue.record("a refusal became a stream")
                return
            }
            #expect(response.status == 429)
            #expect(response.headers.contains(HeaderField("Retry-After", "7")))
            #expect(response.body == Array("{\"error\":{\"message\":\"Slow down\"}}".utf8))
            while relay.isBusy { await Task.yield() }
        }
        #expect(upstream.requests.count == 1)
        let answer = try #require(try await streams.list(prefix: "relay/", after: nil, limit: 1).first)
        #expect(answer.end?.reason == .failed)
        #expect(answer.end?.detail == "the upstream answered 429: Slow down")
    }

    @Test("what is no answer of a model is told as what it is")
    func notAStream() async throws {
        let cases: [(Int, String, Int)] = [(302, "text/html", 502), (200, "application/json", 200)]
        for (status, type, expected) in cases {
            let upstream = ScriptedUpstream([.piece("{}"), .end]) { _ in
                (status, [HeaderField("Content-Type", type), HeaderField("Location", "http://elsewhere/")])
            }
            let begun = await relay(upstream).begin(call(.chat))
            #expect(try self.status(begun) == expected)
            if case .response(let response) = begun {
                #expect(!response.headers.contains { $0.name == "Location" })
            }
            if case .passing(let taker) = begun {
                #expect(!taker.answer.fields.contains { $0.name == "Location" })
                #expect(await taker.answer.collected(upTo: 2)?.body == Array("{}".utf8))
            }
        }
        let silent = ScriptedUpstream { _ in throw UpstreamError.silent }
        #expect(try status(await relay(silent).begin(call(.chat))) == 504)
        let absent = ScriptedUpstream { _ in throw UpstreamError.unreachable("refused") }
        #expect(try status(await relay(absent).begin(call(.chat))) == 502)
        let encoded = ScriptedUpstream { _ in
            (200, [HeaderField("Content-Type", "text/event-stream"), HeaderField("Content-Encoding", "compress")])
        }
        #expect(try status(await relay(encoded).begin(call(.chat))) == 502)
    }

    @Test("a status that answers nothing is not asked for again", arguments: [0, 99, 100, 103, 199, 600, 999])
    func impossibleStatus(status: Int) async throws {
        let upstream = ScriptedUpstream([.piece(Scripts.text(Scripts.chat)), .end]) { _ in
            (status, [HeaderField("Content-Type", "text/event-stream")])
        }
        guard case .response(let response) = await relay(upstream).begin(call(.chat)) else {
            Issue.record("there is no response")
            return
        }
        #expect(response.status == 502 && response.headers.contains(.noRetry))
    }

    @Test("a refusal that another version kept with more of its header is told without")
    func keptRefusal() async throws {
        let upstream = ScriptedUpstream([.piece("{}"), .end]) { _ in (429, [HeaderField("retry-after", "3")]) }
        let relay = relay(upstream)
        guard case .response(let first) = await relay.begin(call(.chat, key: "k")) else { return #expect(Bool(false)) }
        let record = try #require(
            try await streams.list(prefix: IdempotencyRecord.prefix, after: nil, limit: 1).first?.name
        )
        let kept = try #require(try await streams.read(record, from: .start)).events.map(\.body)
        var older = first
        older.headers.append(HeaderField("Clear-Site-Data", "\"*\""))
        try await until { !relay.isBusy }
        _ = try await streams.remove(record)
        let events = [kept[0]] + IdempotencyRecord.events(of: older)
        _ = try await streams.create(record, CreateRequest(options: StreamOptions(), events: EventBatch(events)))
        guard case .response(let again) = await relay.begin(call(.chat, key: "k")) else { return #expect(Bool(false)) }
        #expect(again == first)
        #expect(again.headers.contains(.sandbox))
    }

    @Test("Stop aborts the call and keeps what was said")
    func stopped() async throws {
        let upstream = ScriptedUpstream([.piece(Scripts.text(Array(Scripts.chat.prefix(2))))])
        let relay = relay(upstream)
        let name = try stream(await relay.begin(call(.chat)))
        try await until { try await streams.info(name)?.events == 2 }
        _ = try await streams.append(name, AppendRequest(end: EndRequest(.cancelled)))
        try await until { upstream.aborts == 1 }
        let page = try await untilEnd(of: name)
        #expect(page.end?.reason == .cancelled)
        #expect(page.events.count == 2)
    }

    @Test("Stop before the first byte lets nobody wait")
    func stoppedEarly() async throws {
        let nothing = AsyncStream.makeStream(of: Void.self)
        let upstream = ScriptedUpstream { _ in
            // Until the call is cancelled.
            for await _ in nothing.stream {}
            throw CancellationError()
        }
        let relay = relay(upstream)
        async let begun = relay.begin(call(.chat))
        try await until { upstream.requests.count == 1 }
        let name = try #require(try await streams.list(prefix: "relay/", after: nil, limit: 1).first?.name)
        _ = try await streams.append(name, AppendRequest(end: EndRequest(.cancelled)))
        #expect(try status(await begun) == 409)
    }

    @Test(
        "Stop before the first byte is what is told and what a key remembers, whatever the upstream comes to",
        arguments: [200, 302, 500, nil]
    )
    func stoppedMeanwhile(status: Int?) async throws {
        let streams = streams
        let upstream = ScriptedUpstream([.piece(Scripts.text(Scripts.chat)), .end]) { _ in
            let name = try #require(try await streams.list(prefix: "relay/", after: nil, limit: 1).first?.name)
            _ = try await streams.append(name, AppendRequest(end: EndRequest(.cancelled)))
            guard let status else { throw UpstreamError.silent }
            return (status, [HeaderField("Content-Type", "text/event-stream")])
        }
        let relay = relay(upstream)
        for _ in 0..<2 {
            guard case .response(let response) = await relay.begin(call(.chat, key: "k")) else {
                Issue.record("an answer that was stopped is a stream")
                return
            }
            let told = Response(.stoppedBeforeFirstByte).shaped(in: .openai)
            #expect(response.status == told.status && response.body == told.body)
            #expect(response.headers.contains(HeaderField("X-Should-Retry", "false")))
            try await until { !relay.isBusy }
        }
        #expect(upstream.requests.count == 1)
    }

    @Test("an answer that nobody reads is stopped when the caller said so")
    func unread() async throws {
        let upstream = ScriptedUpstream()
        let clock = LookingClock()
        let time = ManualTime()
        let relay = relay(upstream, time: time, clock: clock)
        var asked = call(.chat)
        asked.policy = .grace(seconds: 5)
        let name = try stream(await relay.begin(asked))
        streams.attachReader(name)
        // A look that began before there was a reader is over.
        let looks = clock.looks
        try await until { clock.looks > looks }
        time.advance(by: .seconds(60))
        await Task.yield()
        #expect(try await streams.info(name)?.end == nil)
        streams.detachReader(name)
        try await pass(time, clock, untilEndOf: name)
        let end = try #require(try await streams.info(name)?.end)
        #expect(end.reason == .cancelled)
        #expect(end.detail == "nobody has read it for 5 s")
        try await until { upstream.aborts == 1 }
    }

    @Test("who leaves before the first byte has left, and nobody waits for it any more")
    func leftEarly() async throws {
        let gate = Latch()
        let upstream = ScriptedUpstream { _ in
            await gate.opened()
            return (200, [HeaderField("Content-Type", "text/event-stream")])
        }
        let clock = LookingClock()
        let time = ManualTime()
        let relay = relay(upstream, time: time, clock: clock)
        var asked = call(.chat)
        asked.policy = .cancel
        let waiting = Task { [asked] in await relay.begin(asked) }
        try await until { upstream.requests.count == 1 }
        let name = try #require(try await streams.list(prefix: "relay/", after: nil, limit: 1).first?.name)
        time.advance(by: .seconds(60))
        await Task.yield()
        #expect(try await streams.info(name)?.end == nil)
        waiting.cancel()
        _ = await waiting.value
        try await pass(time, clock, untilEndOf: name)
        #expect(try await streams.info(name)?.end?.reason == .cancelled)
        gate.open()
        try await until { !relay.isBusy }
    }

    @Test("after a crash the answers it lost are failed and interrupted, and others' streams are left alone")
    func recovery() async throws {
        let lost = try StreamName("relay/0123456789abcdef0123456789abcdef")
        let foreign = try StreamName("relay/mine")
        for name in [lost, foreign] {
            _ = try await streams.create(name, CreateRequest(options: StreamOptions()))
        }
        try await relay(ScriptedUpstream()).recover()
        let end = try #require(try await streams.info(lost)?.end)
        #expect(end.reason == .failed)
        #expect(end.detail == "interrupted")
        #expect(try await streams.info(foreign)?.end == nil)
    }

    @Test("a server that goes ends what is still being written, and begins nothing")
    func concluded() async throws {
        let upstream = ScriptedUpstream()
        let relay = relay(upstream)
        let name = try stream(await relay.begin(call(.chat)))
        #expect(relay.isBusy)
        await relay.conclude()
        #expect(!relay.isBusy)
        #expect(try await streams.info(name)?.end?.detail == "interrupted")
        #expect(try status(await relay.begin(call(.chat))) == 503)
    }

    @Test("who waits for the first byte when the server goes is told so")
    func concludedEarly() async throws {
        let upstream = ScriptedUpstream { _ in
            try await Task.sleep(for: .seconds(1000))
            return (200, [])
        }
        let relay = relay(upstream)
        async let begun = relay.begin(call(.chat))
        try await until { upstream.requests.count == 1 }
        await relay.conclude()
        #expect(try status(await begun) == 502)
    }

    @Test("as many answers as allowed are written at one time")
    func bounded() async throws {
        let relay = relay(ScriptedUpstream()) { $0.runningAnswers = 1 }
        _ = try stream(await relay.begin(call(.chat)))
        #expect(try status(await relay.begin(call(.chat))) == 429)
        await relay.conclude()
    }

    @Test("readers are not kept waiting for a provider that has said its last word and keeps the connection open")
    func lingering() async throws {
        for format in [WireFormat.responses, .messages] {
            let upstream = ScriptedUpstream([.piece(Scripts.text(Scripts.of(format)))])
            #expect(try await answer(relay(upstream), format).end?.reason == .done)
        }
    }

    @Test("an event that is too large ends the answer, and what came before is kept")
    func oversized() async throws {
        let upstream = ScriptedUpstream([
            .piece(Scripts.text(Array(Scripts.chat.prefix(1)))), .piece("data: " + String(repeating: "x", count: 5000)),
        ])
        let page = try await answer(relay(upstream) { $0.eventBytes = 1000 }, .chat)
        #expect(page.events.count == 1)
        #expect(page.end?.detail == "event-too-large")
    }

    @Test("what was measured is told while the answer is written and after it")
    func measured() async throws {
        let upstream = ScriptedUpstream([.piece(Scripts.text(Array(Scripts.chat.prefix(2))))])
        let relay = relay(upstream)
        let name = try stream(await relay.begin(call(.chat)))
        try await until { try await streams.info(name)?.events == 2 }
        try await until { await relay.measured(name)?.hasPrefix("tokens=1, events=2") ?? false }
        upstream.send(Scripts.text(Array(Scripts.chat.dropFirst(2))))
        upstream.end()
        _ = try await untilEnd(of: name)
        try await until { !relay.isBusy }
        // The provider's own count.
        #expect(await relay.measured(name)?.hasPrefix("tokens=7, events=7") == true)
        #expect(relay.metrics.ended == [.done: 1])
        #expect(await relay.measured(try StreamName("other")) == nil)
    }

    // MARK: Its memory

    @Test(
        "counts what it keeps of a body, unpacked, and refuses a call for which there is no room",
        arguments: [true, false]
    )
    func memory(isPacked: Bool) async throws {
        let upstream = ScriptedUpstream { _ in
            try await Task.sleep(for: .seconds(1000))
            return (200, [])
        }
        let relay = relay(upstream)
        let budget = InflightBudget(limit: 200_000)
        let first = try await collected(relay, padded(60_000), isPacked, budget)
        guard case .pending(let work) = first else { throw Unexpected(description: "\(first)") }
        let calling = Task { await work() }
        try await until { upstream.requests.count == 1 }
        #expect(budget.usage[.work].bytes == 60_000)
        // What is packed is refused before it is unpacked, anything else when its connection counts it no more.
        var second = try await collected(relay, padded(60_000), isPacked, budget)
        if !isPacked, case .pending(let work) = second { second = await work() }
        guard case .response(let refusal) = second else { throw Unexpected(description: "there is room for two") }
        #expect(refusal.status == 503)
        #expect(refusal.headers.contains(HeaderField("Retry-After", "5")))
        let detail = JSONSlice(refusal.body)["detail"]?.string ?? ""
        #expect(detail.contains("`inflight-bytes`"))
        #expect(upstream.requests.count == 1)
        // Small calls are made whatever is there, and the room is free again with the end.
        guard case .pending = try await collected(relay, padded(900), isPacked, budget) else {
            throw Unexpected(description: "a small call was refused")
        }
        await relay.conclude()
        _ = await calling.value
        try await until { budget.usage.total == 0 }
    }

    @Test("counts a body until the answer is over, and none whose caller left before the call was begun")
    func memoryTaken() async throws {
        let budget = InflightBudget(limit: 200_000)
        let body = CallBody(padded(90_000), claim: InflightClaim(90_000, in: budget, from: "a"))
        #expect(body.handOver() == padded(90_000) && body.count == 90_000 && body.bytes.isEmpty)
        #expect(budget.usage.total == 90_000)
        body.drop()
        #expect(budget.usage.total == 0)
        let relay = relay(ScriptedUpstream())
        guard case .pending = try await collected(relay, padded(60_000), true, budget) else {
            throw Unexpected(description: "it was refused")
        }
        // The thread that unpacked it may hold it a moment longer.
        try await until { budget.usage.total == 0 }
    }

    /// A streaming call of so many bytes.
    private func padded(_ count: Int) -> [UInt8] {
        let (opening, end) = ("{\"stream\":true,\"x\":\"", "\"}")
        let padding = String(repeating: "x", count: count - opening.utf8.count - end.utf8.count)
        return Array((opening + padding + end).utf8)
    }

    /// What a call comes to when its body is here, by its connection's event loop.
    private func collected(
        _ relay: Relay,
        _ body: [UInt8],
        _ isPacked: Bool,
        _ budget: InflightBudget
    ) async throws -> Reply {
        var headers: HTTPHeaders = ["Content-Type": "application/json"]
        if isPacked { headers.add(name: "Content-Encoding", value: "deflate") }
        let request = RelayRequest(
            method: "POST",
            path: WireFormat.chat.path,
            headers: headers,
            baseURL: "http://localhost",
            inflight: budget
        )
        guard case .collect(_, _, let act) = relay.plan(for: request) else {
            throw Unexpected(description: "nothing is collected")
        }
        // One block that is stored as it is (RFC 1951, section 3.2.4).
        let length = UInt16(body.count)
        let header = [1, UInt8(length & 0xFF), UInt8(length >> 8), UInt8(~length & 0xFF), UInt8(~length >> 8)]
        return await act(isPacked ? header + body : body)
    }

    // MARK: -

    private func relay(
        _ upstream: ScriptedUpstream,
        kind: Upstream.Kind = .openAICompatible,
        key: Upstream.Key = .caller,
        time: any TimeSource = SystemTime(),
        clock: any Clock<Duration> = ContinuousClock(),
        _ configure: (inout RelayConfiguration) -> Void = { _ in }
    ) -> Relay {
        var configuration = RelayConfiguration(
            upstreams: [Upstream(name: "one", kind: kind, baseURL: "http://x/v1", key: key)]
        )
        configure(&configuration)
        return Relay(
            streams: streams,
            configuration: configuration,
            transports: ["one": upstream],
            ownKeys: key == .caller ? [:] : ["one": "own"],
            time: time,
            clock: clock
        )
    }

    private func call(
        _ format: WireFormat,
        key: String? = nil,
        headers: HTTPHeaders = [:],
        body: String = "{\"stream\":true}"
    ) -> StreamingCall {
        StreamingCall(
            request: RelayRequest(method: "POST", path: format.path, headers: headers, baseURL: "http://localhost"),
            format: format,
            upstream: Upstream(name: "one", kind: .openAICompatible, baseURL: "http://x/v1", key: .caller),
            body: CallBody(Array(body.utf8)),
            key: key
        )
    }

    private func answer(_ relay: Relay, _ format: WireFormat, headers: HTTPHeaders = [:]) async throws -> Page {
        var asked = call(format, headers: headers)
        asked.upstream = relay.configuration.upstreams[0]
        return try await untilEnd(of: try stream(await relay.begin(asked)))
    }

    private func stream(_ begun: Begun) throws -> StreamName {
        guard case .stream(let name, _, _, _) = begun else { throw Unexpected(description: "\(begun)") }
        return name
    }

    private func status(_ begun: Begun) throws -> Int {
        switch begun {
        case .response(let response): return response.status
        case .passing(let taker): return taker.answer.status
        case .stream: throw Unexpected(description: "\(begun)")
        }
    }

    private func untilEnd(of name: StreamName) async throws -> Page {
        try await until { try await streams.info(name)?.end != nil }
        guard let page = try await streams.read(name, from: .start) else { throw Unexpected(description: "gone") }
        return page
    }

    /// Time passes, no faster than the relay looks for readers: the silence of the upstream would else be seen first.
    private func pass(_ time: ManualTime, _ clock: LookingClock, untilEndOf name: StreamName) async throws {
        var looks = clock.looks
        try await until {
            if clock.looks > looks {
                looks = clock.looks
                time.advance(by: .seconds(1))
            }
            return try await streams.info(name)?.end != nil
        }
    }
}

/// Every wait is over at once, after everybody else had a turn; those between two looks for readers are counted.
private final class LookingClock: Clock {
    typealias Instant = StillInstant

    private let count = Mutex(0)

    var now: Instant { Instant(offset: .zero) }
    var minimumResolution: Duration { .nanoseconds(1) }
    var looks: Int { count.withLock(\.self) }

    func sleep(until deadline: Instant, tolerance: Duration?) async throws {
        try Task.checkCancellation()
        if deadline.offset == .milliseconds(200) { count.withLock { $0 += 1 } }
        await Task.yield()
    }
}
