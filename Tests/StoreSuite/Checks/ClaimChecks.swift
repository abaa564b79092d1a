import StreamCore
import Testing

/// What a store must do that nodes share.
@available(freshet 0.1, *)
extension StoreCheck {
    package static let claims: [StoreCheck] = rights + sharedTimes + deadNodes + reports

    private static let rights: [StoreCheck] = [
        StoreCheck("what a claim stands for is kept, and what none stands for too") { bench in
            let (one, two) = try await bench.nodes()
            let birth = try await one.put(name).birth
            let claim = try await one.claim(name, born: birth)
            try await one.add(name, "a", claim: claim)
            try await two.add(name, "b")
            // It may be stated at any node.
            try await two.add(name, "c", claim: claim)
            #expect(try await two.texts(name) == ["a", "b", "c"])
            await one.release(claim, of: name, isTorn: false)
            await one.release(claim, of: name, isTorn: false)
            #expect(try await one.append(name, "d", claim: claim) == .superseded)
            #expect(try await two.append(name, "d", claim: claim) == .superseded)
            #expect(try await one.texts(name) == ["a", "b", "c"])
        },
        StoreCheck("a newer claim of a label takes the older one's place on every node, and of no other") { bench in
            let (one, two) = try await bench.nodes()
            let birth = try await one.put(name).birth
            let watchers = (WatchRecorder(), WatchRecorder())
            one.watch(name, watchers.0)
            two.watch(name, watchers.1)
            for watcher in [watchers.0, watchers.1] { await watcher.wait { !$0.isEmpty } }
            let older = try await one.claim(name, born: birth, label: "p")
            let others = [
                try await one.claim(name, born: birth, label: "q"), try await two.claim(name, born: birth),
                try await one.claim(name, born: birth), try await one.claim(name, born: birth, kind: .answer),
            ]
            let newer = try await two.claim(name, born: birth, label: "p")
            // From when it has it.
            #expect(try await one.append(name, "a", claim: older) == .superseded)
            for claim in others + [newer] { try await two.add(name, "b", claim: claim) }
            for watcher in [watchers.0, watchers.1] {
                let told = await watcher.wait { $0.contains { $0.superseded != nil } }.compactMap(\.superseded)
                #expect(told == [older])
            }
            // What the older one gives back is not the newer one's.
            await one.release(older, of: name, isTorn: true)
            try await two.add(name, "c", claim: newer)
            // At the same node as well.
            let newest = try await two.claim(name, born: birth, label: "p")
            #expect(try await two.append(name, "d", claim: newer) == .superseded)
            try await one.add(name, "d", claim: newest)
            // A label is free when its claim was given back.
            await two.release(newest, of: name, isTorn: false)
            let next = try await one.claim(name, born: birth, label: "p")
            try await one.add(name, "e", claim: next)
            let told = watchers.0.signals.compactMap(\.superseded)
            #expect(told.count == 2 && Set(told) == [older, newer])
            one.unwatch(name, watchers.0)
            two.unwatch(name, watchers.1)
        },
        StoreCheck("only a stream that is there and open is claimed, and only that one") { bench in
            let (one, two) = try await bench.nodes()
            let request = ClaimRequest(birth: Offset(milliseconds: 1, counter: 1), kind: .streamingAppend)
            #expect(try await one.claim(name, request) == .notFound)
            let birth = try await one.put(name).birth
            #expect(try await two.claim(name, request) == .notFound)
            let claim = try await two.claim(name, born: birth)
            try await one.add(name, "a", end: EndRequest(.cancelled))
            let end = try #require(try await one.info(name)?.end)
            #expect(try await one.claim(name, ClaimRequest(birth: birth, kind: .answer)) == .ended(end))
            // Whoever has lost its claim, or not, is told of the end.
            await one.release(claim, of: name, isTorn: false)
            let late = try await two.append(name, "b", claim: claim)
            #expect(late == .ended(end, tail: try await one.info(name)?.tail ?? birth, producer: nil))
            _ = try await one.remove(name, because: .deleted, born: nil)
            #expect(try await two.append(name, "b", claim: claim) == .notFound)
            let again = try await one.put(name).birth
            #expect(try await two.claim(name, ClaimRequest(birth: birth, kind: .answer)) == .notFound)
            // One that was made anew has no claims of the one before.
            #expect(try await two.append(name, "b", born: birth, claim: claim) == .notFound)
            #expect(try await two.append(name, "b", claim: claim) == .superseded)
            try await two.add(name, "b", claim: try await two.claim(name, born: again))
        },
        StoreCheck("whoever asks without an append is told how it stands, and nothing is changed") { bench in
            let (one, two) = try await bench.nodes()
            let birth = try await one.put(name, StreamOptions(leaseSeconds: 10)).birth
            let claim = try await one.claim(name, born: birth, label: "p")
            #expect(try await one.ask(name, claim) == .withheld)
            let newer = try await two.claim(name, born: birth, label: "p")
            #expect(try await one.ask(name, claim) == .superseded)
            await two.release(newer, of: name, isTorn: false)
            bench.time.advance(by: .seconds(9))
            _ = try await one.ask(name, claim)
            bench.time.advance(by: .seconds(2))
            try await one.sweep()
            #expect(try await one.info(name)?.end?.reason == .abandoned)
            guard case .ended = try await one.ask(name, claim) else { throw UnexpectedOutcome("it has not ended") }
            _ = try await one.remove(name, because: .deleted, born: nil)
            #expect(try await one.ask(name, claim) == .notFound)
        },
        StoreCheck("what is tried again with its number is kept once, and a number is one claim's own") { bench in
            let (one, two) = try await bench.nodes()
            let birth = try await one.put(name).birth
            let claims = (try await one.claim(name, born: birth), try await one.claim(name, born: birth))
            func append(_ claim: StreamClaim, _ number: UInt64) async throws -> AppendOutcome {
                let stamp = ProducerStamp(id: claim.text, epoch: 0, sequence: number)
                let events: EventBatch = [EventBody("\(claim.number).\(number)")]
                return try await two.append(name, AppendRequest(events: events, producer: stamp, claim: claim))
            }
            for claim in [claims.0, claims.1] {
                for number in 0..<2 as Range<UInt64> {
                    guard case .appended = try await append(claim, number),
                        case .duplicate(_, nil, _) = try await append(claim, number)
                    else { throw UnexpectedOutcome("\(number)") }
                }
            }
            await one.release(claims.0, of: name, isTorn: false)
            // Of one who has lost the right, nothing that was kept before is kept again.
            #expect(try await append(claims.0, 1) == .superseded)
            #expect(try await one.texts(name).count == 4)
        },
    ]
}

@available(freshet 0.1, *)
extension SharedStreamStore {
    func claim(
        _ name: StreamName,
        born birth: Offset,
        kind: StreamClaim.Kind = .streamingAppend,
        label: String? = nil,
        lease: Int? = nil,
        torn: Int = 0
    ) async throws -> StreamClaim {
        let request = ClaimRequest(
            birth: birth,
            kind: kind,
            label: label,
            leaseSeconds: lease,
            tornLeaseSeconds: torn
        )
        let outcome = try await claim(name, request)
        guard case .claimed(let claim) = outcome else { throw UnexpectedOutcome("\(outcome)") }
        return claim
    }

    func append(
        _ name: StreamName,
        _ text: String,
        born birth: Offset? = nil,
        claim: StreamClaim
    ) async throws -> AppendOutcome {
        try await append(name, AppendRequest(to: birth, events: [EventBody(text)], claim: claim))
    }

    /// Appends an event, which is kept.
    func add(_ name: StreamName, _ text: String, claim: StreamClaim) async throws {
        let outcome = try await append(name, text, claim: claim)
        guard case .appended = outcome else { throw UnexpectedOutcome("\(outcome)") }
    }

    /// How a claim stands.
    func ask(_ name: StreamName, _ claim: StreamClaim) async throws -> AppendOutcome {
        var request = AppendRequest(claim: claim)
        request.isWithheld = true
        return try await append(name, request)
    }

    /// What is left of the stream's time to live.
    func expiresIn(_ name: StreamName) async throws -> Duration? { try await holding(of: name)?.expiresIn }

    /// What is due is done, whichever node does it.
    func end(of name: StreamName) async throws -> StreamEnd? {
        try await sweep()
        return try await info(name)?.end
    }
}

@available(freshet 0.1, *)
extension StreamSignal {
    var superseded: StreamClaim? { if case .superseded(let claim) = self { claim } else { nil } }
}
