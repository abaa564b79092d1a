import NIOHTTP1
import ServerSentEvents
import StoreSuite
import StreamCore
import StreamHTTP
import Testing

@testable import CompletionRelay

@Suite("A relay at each of two nodes", .timeLimit(.minutes(10)))
struct RelayNodesTests {
    private let time = ManualTime()
    private let memory: SharedMemory
    private let one: SharedMemoryNode
    private let two: SharedMemoryNode

    init() {
        memory = SharedMemory(time: time)
        one = memory.node()
        two = memory.node()
    }

    // MARK: One key

    @Test("calls with one key that come to both at once call the upstream once", arguments: [true, false])
    func atOnce(isToldEarly: Bool) async throws {
        let upstream = ScriptedUpstream([.piece(Scripts.text(Scripts.chat)), .end])
        let (first, second) = (relay(one, upstream), relay(two, upstream))
        // Both have found no record, and each has made an answer of its own, when the first record is made.
        let isFirst = Latch()
        defer { isFirst.open() }
        two.before(.create, of: IdempotencyRecord.prefix) { await isFirst.opened() }
        async let later = call(second, early: isToldEarly ? .seconds(60) : .zero)
        try await until { two.hasRunHooks }
        let name = try stream(await call(first))
        isFirst.open()
        let told = try stream(await later)
        #expect(told == name)
        try await until { !first.isBusy && !second.isBusy }
        #expect(upstream.requests.count == 1)
        // The answer that the second had made is gone.
        #expect(try await one.list(prefix: Relay.answerPrefix, after: nil, limit: 9).map(\.name) == [name])
        // And long after, at any node.
        for relay in [first, second] { #expect(try stream(await call(relay)) == name) }
        #expect(upstream.requests.count == 1)
        #expect(try await response(await call(second, body: "{\"stream\":true,\"n\":2}")).status == 422)
    }

    @Test(
        "a call that another node has begun is waited for, and what it comes to is told to both",
        arguments: Course.all
    )
    func waitedFor(course: Course) async throws {
        let mayAnswer = Latch()
        defer { mayAnswer.open() }
        let upstream = ScriptedUpstream(course.script) { _ in
            await mayAnswer.opened()
            return (course.status, [HeaderField("Content-Type", course.type)])
        }
        let (first, second) = (relay(one, upstream), relay(two, upstream))
        async let begun = call(first)
        try await until { upstream.requests.count == 1 }
        async let attached = call(second)
        // It has looked, and waits.
        let name = try #require(try await one.list(prefix: Relay.answerPrefix, after: nil, limit: 9).first?.name)
        try await until { try await one.isFollowedElsewhere(name) }
        mayAnswer.open()
        switch course.told {
        case nil:
            #expect(try stream(await begun) == name)
            #expect(try stream(await attached) == name)
        case let told?:
            for response in [try await response(await begun), try await response(await attached)] {
                #expect(response.status == course.status)
                #expect(String(decoding: response.body, as: UTF8.self).contains(told))
            }
            // The key remembers it at both.
            for relay in [first, second] { #expect(try await response(await call(relay)).status == course.status) }
        }
        try await until { !first.isBusy && !second.isBusy }
        #expect(upstream.requests.count == 1)
        #expect(try await !one.isFollowedElsewhere(name))
    }

    /// What an upstream answers with.
    struct Course: Sendable, CustomTestStringConvertible {
        var testDescription: String
        var status = 200
        var type = "text/event-stream"
        var script: [ScriptedUpstream.Step]
        /// Nil for a stream.
        var told: String?

        static let all = [
            Course(testDescription: "a stream", script: [.piece(Scripts.text(Scripts.chat)), .end]),
            Course(
                testDescription: "a refusal",
                status: 429,
                type: "application/json",
                script: [.piece("{\"error\":{\"message\":\"Slow down\"}}"), .end],
                told: "Slow down"
            ),
            Course(
                testDescription: "no stream",
                type: "application/json",
                script: [.piece("{\"id\":"), .piece("\"1\"}"), .end],
                told: "{\"id\":\"1\"}"
            ),
        ]
    }

    @Test("a Stop before the first byte is what both are told, and so is the death of the node that called")
    func overBeforeItBegan() async throws {
        for (isStopped, status) in [(true, 409), (false, 502)] {
            let mayAnswer = Latch()
            defer { mayAnswer.open() }
            let upstream = ScriptedUpstream { _ in
                await mayAnswer.opened()
                try Task.checkCancellation()
                return (200, [])
            }
            let (first, second) = (relay(one, upstream), relay(two, upstream))
            let key = "k\(status)"
            async let begun = call(first, key: key)
            try await until { upstream.requests.count == 1 }
            async let attached = call(second, key: key)
            let name = try #require(
                try await two.list(prefix: Relay.answerPrefix, after: nil, limit: 9).first { $0.end == nil }?.name
            )
            try await until { try await one.isFollowedElsewhere(name) }
            if isStopped {
                _ = try await two.append(name, AppendRequest(end: EndRequest(.cancelled)))
            } else {
                try await memory.bury(one)
            }
            let told = try await response(await attached)
            #expect(told.status == status && told.headers.contains(.noRetry))
            mayAnswer.open()
            #expect(try await response(await begun).status == status)
            try await until { !first.isBusy }
            #expect(try await response(await call(second, key: key)).status == status)
            #expect(upstream.requests.count == 1)
        }
    }

    @Test("who waits for another node's call is given a head in time, and is not waited for when it has left")
    func early() async throws {
        let mayAnswer = Latch()
        defer { mayAnswer.open() }
        let upstream = ScriptedUpstream([.piece(Scripts.text(Scripts.chat)), .end]) { _ in
            await mayAnswer.opened()
            return (200, [HeaderField("Content-Type", "text/event-stream")])
        }
        let clock = HeldClock()
        let (first, second) = (relay(one, upstream), relay(two, upstream, clock: clock))
        async let begun = call(first)
        try await until { upstream.requests.count == 1 }
        let leaving = Task { await call(second) }
        let name = try #require(try await one.list(prefix: Relay.answerPrefix, after: nil, limit: 9).first?.name)
        try await until { try await one.isFollowedElsewhere(name) }
        leaving.cancel()
        #expect(try await response(await leaving.value).status == 499)
        #expect(try await !one.isFollowedElsewhere(name))
        async let attached = call(second, early: .seconds(7))
        await clock.pass(.seconds(7))
        #expect(try stream(await attached) == name)
        mayAnswer.open()
        #expect(try stream(await begun) == name)
        try await until { !first.isBusy }
    }

    @Test("a key that is freed while another node waits is the next call's, whose record stays")
    func freed() async throws {
        let mayAnswer = Latch()
        defer { mayAnswer.open() }
        let upstream = ScriptedUpstream([.piece("{\"error\":{\"message\":\"Busy\"}}"), .end]) { _ in
            await mayAnswer.opened()
            return (503, [HeaderField("Content-Type", "application/json")])
        }
        let clock = HeldClock()
        let (first, second) = (relay(one, upstream, clock: clock), relay(two, upstream))
        async let begun = call(first, early: .seconds(7))
        await clock.pass(.seconds(7))
        let name = try stream(await begun)
        async let attached = call(second)
        try await until { try await one.isFollowedElsewhere(name) }
        mayAnswer.open()
        // The failure is told in the stream, to this one too.
        let told = try stream(await attached)
        #expect(told == name)
        // Before it keeps what it measured.
        await clock.pass(.milliseconds(100))
        try await until { !first.isBusy }
        // Free: the upstream is called again. What the first call still does to its record is not done to this one's.
        let again = ScriptedUpstream([.piece(Scripts.text(Scripts.chat)), .end])
        let third = relay(two, again)
        let next = try stream(await call(third))
        #expect(next != name && again.requests.count == 1)
        let asked = asked()
        let stale = AnswerCall(name: name, of: asked, bodyHash: "", record: nil, time: time)
        stale.recorded(at: Offset(milliseconds: 1, counter: 1))
        let record = IdempotencyRecord.name(credential: asked.request.credential, route: asked.route, key: "k")
        await first.release(record, stale)
        await first.remember(Response(500), of: stale, record)
        try await until { !third.isBusy }
        #expect(try stream(await call(relay(one, upstream))) == next)
    }

    // MARK: One answer

    @Test("a Stop at one node stops the call of another")
    func stop() async throws {
        let upstream = ScriptedUpstream([.piece(Scripts.text(Array(Scripts.chat.prefix(2))))])
        let (first, second) = (relay(one, upstream), relay(two, upstream))
        let name = try stream(await call(first))
        try await until { try await two.info(name)?.events == 2 }
        _ = try await Streams(store: two).append(name, AppendRequest(end: EndRequest(.cancelled)))
        try await until { !first.isBusy }
        try await until { upstream.aborts == 1 }
        #expect(try stream(await call(second)) == name)
    }

    @Test("no node ends what another writes: not when it starts, and not when it goes")
    func others() async throws {
        let upstream = ScriptedUpstream([.piece(Scripts.text(Array(Scripts.chat.prefix(2))))])
        let (first, second) = (relay(one, upstream), relay(two, upstream))
        let name = try stream(await call(first))
        let other = try stream(await call(second, key: "other"))
        for answer in [name, other] { try await until { try await two.info(answer)?.events == 2 } }
        try await relay(memory.node(), upstream).recover()
        await second.conclude()
        #expect(try await one.info(name)?.end == nil)
        #expect(try await one.info(other)?.end?.detail == "interrupted")
        upstream.send(Scripts.text(Array(Scripts.chat.dropFirst(2))))
        upstream.end()
        try await until { !first.isBusy }
        #expect(try await two.info(name)?.end?.reason == .done)
    }

    @Test("the answers of a node that is dead end as interrupted, and its calls are stopped when it is none after all")
    func dead() async throws {
        let upstream = ScriptedUpstream([.piece(Scripts.text(Array(Scripts.chat.prefix(2))))])
        let first = relay(one, upstream)
        let name = try stream(await call(first))
        try await until { try await two.info(name)?.events == 2 }
        // It stands still, and hears nothing.
        one.holdNews()
        try await memory.bury(one)
        #expect(try await two.info(name)?.end?.detail == "interrupted")
        upstream.send(Scripts.text(Array(Scripts.chat[2..<3])))
        try await until { !first.isBusy }
        one.letNewsIn()
        try await until { upstream.aborts == 1 }
        #expect(try await two.info(name)?.events == 2)
    }

    @Test("an answer outlasts that its store is away, and what nobody knows the fate of is in it once")
    func away() async throws {
        let upstream = ScriptedUpstream([.piece(Scripts.text(Array(Scripts.chat.prefix(2))))])
        let first = relay(one, upstream)
        let name = try stream(await call(first))
        try await until { try await two.info(name)?.events == 2 }
        one.goAway()
        upstream.send(Scripts.text(Array(Scripts.chat[2..<4])))
        one.before(.append, of: name.text) {}
        try await until { one.hasRunHooks }
        // Time without a store is not what an answer may be without readers.
        time.advance(by: .seconds(30))
        await one.comeBack()
        try await until { try await two.info(name)?.events == 4 }
        one.loseNextResponse()
        upstream.send(Scripts.text(Array(Scripts.chat.dropFirst(4))))
        upstream.end()
        try await until { !first.isBusy }
        let page = try #require(try await two.read(name, from: .start, limit: PageLimit()))
        #expect(page.end?.reason == .done)
        #expect(page.texts == Scripts.chat.map(\.data))
    }

    @Test("an answer that is read at another node is read, and is stopped when it is nowhere")
    func readElsewhere() async throws {
        let upstream = ScriptedUpstream([.piece(Scripts.text(Array(Scripts.chat.prefix(2))))])
        let first = relay(one, upstream)
        let reader = WatchRecorder()
        let streams = Streams(store: two)
        let name = try stream(await call(first, policy: .cancel))
        streams.follow(name, reader)
        for _ in 0..<3 {
            one.before(.followers) {}
            time.advance(by: .seconds(10))
            try await until { one.hasRunHooks }
        }
        #expect(try await two.info(name)?.end == nil)
        streams.unfollow(name, reader)
        time.advance(by: .seconds(10))
        try await until { !first.isBusy }
        try await until { upstream.aborts == 1 }
        #expect(try await two.info(name)?.end?.reason == .cancelled)
    }

    // MARK: -

    /// What a streaming call with a key comes to.
    private func call(
        _ relay: Relay,
        key: String = "k",
        body: String = "{\"stream\":true}",
        early: Duration = .zero,
        policy: DisconnectPolicy = .continue
    ) async -> Begun {
        await relay.begin(asked(key: key, body: body, early: early, policy: policy))
    }

    private func asked(
        key: String = "k",
        body: String = "{\"stream\":true}",
        early: Duration = .zero,
        policy: DisconnectPolicy = .continue
    ) -> StreamingCall {
        StreamingCall(
            request: RelayRequest(
                method: "POST",
                path: WireFormat.chat.path,
                headers: [:],
                baseURL: "http://localhost"
            ),
            format: .chat,
            upstream: Upstream(name: "one", kind: .openAICompatible, baseURL: "http://x/v1", key: .caller),
            body: CallBody(Array(body.utf8)),
            key: key,
            policy: policy,
            early: early
        )
    }

    private func stream(_ begun: Begun) throws -> StreamName {
        guard case .stream(let name, _, _, _) = begun else { throw Unexpected(description: "\(begun)") }
        return name
    }

    private func response(_ begun: Begun) async throws -> Response {
        switch begun {
        case .response(let response): return response
        case .passing(let taker): return try #require(await taker.answer.collected(upTo: 1 << 20))
        case .stream: throw Unexpected(description: "\(begun)")
        }
    }

    private func relay(
        _ node: SharedMemoryNode,
        _ upstream: ScriptedUpstream,
        clock: any Clock<Duration> = ContinuousClock()
    ) -> Relay {
        Relay(
            streams: Streams(store: node, time: time),
            configuration: RelayConfiguration(
                upstreams: [Upstream(name: "one", kind: .openAICompatible, baseURL: "http://x/v1", key: .caller)]
            ),
            transports: ["one": upstream],
            time: time,
            clock: clock
        )
    }
}
