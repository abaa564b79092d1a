import ProbeProtocol
import Testing

@Suite struct ProbePlanTests {
    private func parsed(_ text: String) throws(ProbePlan.Refusal) -> ProbePlan {
        try ProbePlan(
            query: text.split(separator: "&").map { pair in
                let sides = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
                return (String(sides[0]), sides.count > 1 ? String(sides[1]) : "")
            }
        )
    }

    @Test func aPlanIsReadAsItWasWritten() throws {
        var plan = ProbePlan(name: "a1", events: 12, eventBytes: 64, delay: 1000, gaps: [60, 140, 300])
        #expect(try parsed(plan.query) == plan)
        plan.form = .json
        plan.hints = [.noCache, .identity]
        plan.death = .reset
        plan.deathAfter = 4
        #expect(try parsed(plan.query) == plan)
        plan.hints = []
        #expect(try parsed(plan.query) == plan)
    }

    @Test func momentsFollowTheGapsRoundAndRound() {
        let plan = ProbePlan(name: "a", events: 5, delay: 1000, gaps: [60, 140])
        #expect((0..<5).map(plan.moment(of:)) == [1000, 1060, 1200, 1260, 1400])
        #expect(plan.milliseconds == 1400)
    }

    @Test(arguments: [
        "n=1&gaps=1", "id=&n=1", "id=a-b&n=1", "id=\(String(repeating: "a", count: 33))&n=1", "id=a", "id=a&n=2001",
        "id=a&n=-1", "id=a&n=+1", "id=a&n=1&size=0", "id=a&n=1&size=4097", "id=a&n=1000&size=4000", "id=a&n=1&gaps=0",
        "id=a&n=1&gaps=", "id=a&n=1&gaps=1,,2",
        "id=a&n=1&gaps=\(Array(repeating: "1", count: 65).joined(separator: ","))",
        "id=a&n=1000&gaps=1000", "id=a&n=1&delay=900001", "id=a&n=1&form=html", "id=a&n=1&hints=no",
        "id=a&n=1&die=now&at=1",
        "id=a&n=1&die=fin", "id=a&n=1&die=fin&at=2", "id=a&n=1&n=1", "id=a&n=1&cookie=x", "id=a&n=99999999999999999999",
    ])
    func whatIsOutsideOfItsBoundsIsRefused(query: String) {
        #expect(throws: ProbePlan.Refusal.self) { try parsed(query) }
    }
}
