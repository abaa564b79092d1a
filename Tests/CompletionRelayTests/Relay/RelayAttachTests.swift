import NIOHTTP1
import StreamCore
import StreamHTTP
import Testing

@testable import CompletionRelay

@Suite("Calls with one key, with the other side's step in between", .timeLimit(.minutes(10)))
struct RelayAttachTests {
    @Test(
        "a Stop after an answer was found, and before it is read, is told",
        arguments: Keeping.allCases,
        [true, false]
    )
    func stoppedBeforeItIsRead(keeping: Keeping, isFoundRunning: Bool) async throws {
        try await keeping.run { store in
            let streams = Streams(store: store)
            let upstream = ScriptedUpstream([.piece(Scripts.text(Array(Scripts.chat.prefix(2))))])
            let first = relay(streams, upstream)
            let name = try subscription(await call(first)).name
            try await until { try await streams.info(name)?.events == 2 }
            // The same process knows of the call; another one, as after a restart, has its record alone.
            let second = isFoundRunning ? first : relay(streams, upstream)
            store.beforeRead(of: Relay.answerPrefix) {
                _ = try await streams.append(name, AppendRequest(end: EndRequest(.cancelled)))
            }
            // And long after.
            for _ in 0..<2 {
                let plan = try subscription(await call(second))
                #expect(store.hasStepped)
                #expect(plan.name == name)
                guard case .page(let page) = plan.opening else {
                    throw Unexpected(description: "it does not begin with a page")
                }
                let end = try #require(page.end)
                #expect(end.reason == .cancelled && page.events.count == 2)
                let told = plan.conclude(.ended(end), page.events.count)
                #expect(told.isTorn && String(decoding: told.bytes, as: UTF8.self).contains("The answer was stopped."))
                try await until { !first.isBusy }
            }
            #expect(upstream.requests.count == 1)
        }
    }

    @Test(
        "a Stop while two wait for the first byte is what both are told, although the upstream answers right after it",
        arguments: Keeping.allCases
    )
    func stoppedWhileTwoWait(keeping: Keeping) async throws {
        try await keeping.run { store in
            let streams = Streams(store: store)
            let bothWait = Latch()
            defer { bothWait.open() }
            let upstream = ScriptedUpstream([.piece(Scripts.text(Scripts.chat)), .end]) { _ in
                await bothWait.opened()
                let name = try #require(
                    try await streams.list(prefix: Relay.answerPrefix, after: nil, limit: 1).first?.name
                )
                _ = try await streams.append(name, AppendRequest(end: EndRequest(.cancelled)))
                return (200, [HeaderField("Content-Type", "text/event-stream")])
            }
            let relay = relay(streams, upstream)
            async let first = call(relay)
            try await until { upstream.requests.count == 1 }
            async let second = call(relay)
            try await until { relay.metrics.attached == 1 }
            bothWait.open()
            for told in try await [first, second] { #expect(try status(told) == 409) }
            try await until { !relay.isBusy }
            // The key remembers it.
            #expect(try status(await call(relay)) == 409)
            #expect(upstream.requests.count == 1)
        }
    }

    @Test(
        "a call that begins while its key is looked for is waited for, and what it comes to is told to both",
        arguments: Keeping.allCases
    )
    func begunWhileLookedFor(keeping: Keeping) async throws {
        try await keeping.run { store in
            let streams = Streams(store: store)
            let (isLookedFor, mayAnswer) = (Latch(), Latch())
            defer {
                isLookedFor.open()
                mayAnswer.open()
            }
            let upstream = ScriptedUpstream([.piece("{\"error\":{\"message\":\"Slow down\"}}"), .end]) { _ in
                await mayAnswer.opened()
                return (429, [HeaderField("Content-Type", "application/json")])
            }
            let relay = relay(streams, upstream)
            let begun = Task {
                await isLookedFor.opened()
                return try await call(relay)
            }
            store.beforeRead(of: IdempotencyRecord.prefix) {
                // No call with the key was running. The record of this one is there when the upstream is called.
                isLookedFor.open()
                try await until { upstream.requests.count == 1 }
            }
            async let late = call(relay)
            try await until { relay.metrics.attached == 1 }
            mayAnswer.open()
            #expect(try status(await begun.value) == 429)
            #expect(try status(await late) == 429)
            #expect(store.hasStepped && upstream.requests.count == 1)
            try await until { !relay.isBusy }
        }
    }

    // MARK: -

    private func relay(_ streams: Streams, _ upstream: ScriptedUpstream) -> Relay {
        Relay(
            streams: streams,
            configuration: RelayConfiguration(
                upstreams: [Upstream(name: "one", kind: .openAICompatible, baseURL: "http://x/v1", key: .caller)]
            ),
            transports: ["one": upstream],
            clock: ContinuousClock()
        )
    }

    /// What a streaming call with the key comes to, as its connection is told.
    private func call(_ relay: Relay) async throws -> Reply {
        let request = RelayRequest(
            method: "POST",
            path: WireFormat.chat.path,
            headers: ["Content-Type": "application/json", "Idempotency-Key": "k", "Freshet-Early": "0"],
            baseURL: "http://localhost"
        )
        guard case .collect(_, _, let act) = relay.plan(for: request) else {
            throw Unexpected(description: "nothing is collected")
        }
        var reply = await act(Array("{\"stream\":true}".utf8))
        while case .pending(let work) = reply { reply = await work() }
        return reply
    }

    private func subscription(_ reply: Reply) throws -> SubscriptionPlan {
        guard case .subscribe(let plan) = reply else { throw Unexpected(description: "\(reply)") }
        return plan
    }

    private func status(_ reply: Reply) throws -> Int {
        guard case .response(let response) = reply else { throw Unexpected(description: "\(reply)") }
        return response.status
    }
}
