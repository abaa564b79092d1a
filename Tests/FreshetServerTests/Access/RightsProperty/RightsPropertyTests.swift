import Testing

@Suite("A right never reaches a name outside its pattern", .timeLimit(.minutes(10)))
struct RightsPropertyTests {
    @Test("by no way in, whatever names and patterns are")
    func property() async throws {
        var tally = RightsTally()
        for seed in 1...UInt64(150) {
            let situation = RightsSituation(seed: seed)
            guard let failure = try await situation.failure(counting: &tally) else { continue }
            let least = try await situation.least(failure)
            Issue.record("\(least.failure)\n\(least.situation)")
            return
        }
        // It is no property of what was never asked, or always refused.
        for way in RightsAsk.Way.allCases where ![.options, .probe, .session, .list, .search].contains(way) {
            #expect(tally.allowed[way, default: 0] > 0, "\(way) was never open")
            #expect(tally.refused[way, default: 0] > 0, "\(way) was never closed")
        }
        #expect(tally.sessions > 20 && tally.lost > 20)
    }

    @Test("nor by the relay, while it makes an answer for somebody else")
    func relay() async throws {
        var tally = RelayTally()
        for seed in 1...UInt64(300) {
            let situation = RightsSituation.ofRelay(seed: seed)
            guard let failure = try await situation.relayFailure(counting: &tally) else { continue }
            Issue.record("\(failure)\n\(situation)")
            return
        }
        for opening in RelayTally.Opening.allCases {
            #expect(tally.allowed[opening, default: 0] > 0, "the relay was never open by a \(opening)")
        }
        #expect(tally.refused > 50 && tally.reads > 5 && tally.cancels > 5)
    }

    @Test(
        "what says who may is right itself",
        arguments: [
            (.token("answers/42"), "answers/42", true), (.token("answers/42"), "answers/420", false),
            (.token("answers/42"), "answers/42/a", false), (.token("answers/"), "answers/42", true),
            (.token("answers/"), "answers", false), (.token("answers/4*"), "answers/420", true),
            (.token("*"), "a", true), (.token("caf\u{E9}"), "cafe\u{301}", false), (.token("a%2Fb"), "a/b", false),
            (.keysFile("answers/42"), "answers/420", true), (.keysFile("answers/42"), "answers/4", false),
            (.keysFile("caf\u{E9}*"), "cafe\u{301}", false),
            (.template("users/{sub}/", ["sub": "u4"]), "users/u4/a", true),
            (.template("users/{sub}/", ["sub": "u4"]), "users/u42/a", false),
            (.template("users/{sub}/", ["sub": "u4"]), "users/u4", false),
            (.template("users/{sub}/", ["sub": "*"]), "users/u4/a", false),
            (.template("users/{sub}/", ["sub": ".."]), "users/../a", false),
            (.template("users/{sub}/", [:]), "users//a", false), (.template("{sub}", ["sub": "a/b"]), "a/b", false),
            (.template("{sub}", ["sub": "a/b"]), "a%2Fb", true), (.template("{sub}", ["sub": "a%2Fb"]), "a%2Fb", false),
            (.template("{sub}", ["sub": "a%2Fb"]), "a%252Fb", true),
            (.template("{sub}", ["sub": "a"]), "a/b", false), (.template("{sub}/a*", ["sub": "a"]), "a/ab/c", true),
        ] as [(WrittenGrant.Pattern, String, Bool)]
    )
    func oracle(_ pattern: WrittenGrant.Pattern, _ name: String, _ reaches: Bool) {
        #expect(WrittenGrant(right: "read", pattern: pattern).gives("read", on: name) == reaches)
        #expect(!WrittenGrant(right: "append", pattern: pattern).gives("read", on: name))
        #expect(!WrittenGrant(right: "all", pattern: pattern).gives("inspect", on: name))
    }
}

extension RightsSituation {
    /// The same failure with as little as it needs.
    func least(_ failure: Failure) async throws -> (situation: RightsSituation, failure: Failure) {
        var least = (situation: self, failure: failure)
        if let ask = failure.ask { least.situation.asks = Array(asks.prefix(ask + 1)) }
        /// Whether it fails still without one of some.
        func drop<Part>(_ part: WritableKeyPath<RightsSituation, [Part]>) async throws {
            var index = least.situation[keyPath: part].count - 1
            while index >= 0 {
                var smaller = least.situation
                smaller[keyPath: part].remove(at: index)
                var tally = RightsTally()
                if let failure = try? await smaller.failure(counting: &tally) { least = (smaller, failure) }
                index -= 1
            }
        }
        try await drop(\.asks)
        try await drop(\.grants)
        try await drop(\.forks)
        try await drop(\.existing)
        return least
    }
}
