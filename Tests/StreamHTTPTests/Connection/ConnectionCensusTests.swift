import Testing

@testable import StreamHTTP

@Suite("How many connections there are")
struct ConnectionCensusTests {
    @Test("one too many of one address is refused, others are not")
    func perAddress() {
        let census = ConnectionCensus(limit: 100, limitPerAddress: 1)
        #expect(census.enter("a") == .welcome)
        #expect(census.enter("a") == .refuse(.tooManyFromAddress))
        #expect(census.enter("b") == .welcome)
        census.leave("a")
        census.leave("a")
        #expect(census.enter("a") == .welcome)
        #expect(census.total == 2)
    }

    @Test("beyond the limit a few are told why, and the rest are closed without a word")
    func total() {
        let census = ConnectionCensus(limit: 10, limitPerAddress: 0)
        for _ in 0..<10 { #expect(census.enter("a") == .welcome) }
        for _ in 0..<65 { #expect(census.enter("a") == .refuse(.tooManyConnections)) }
        #expect(census.enter("b") == .close)
        #expect(census.total == 75)
    }
}

extension ConnectionCensus.Verdict: Equatable {
    static func == (left: Self, right: Self) -> Bool {
        switch (left, right) {
        case (.welcome, .welcome), (.close, .close): true
        case (.refuse(let left), .refuse(let right)): left == right
        default: false
        }
    }
}
