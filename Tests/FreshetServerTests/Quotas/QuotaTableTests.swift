import StoreSuite
import Testing

@testable import FreshetServer

@Suite("What each caller has open and has done lately")
struct QuotaTableTests {
    private let time = ManualTime()

    private func table(_ limits: QuotaLimits, mostCallers: Int = 100_000) -> QuotaTable {
        QuotaTable(limits, time: time, mostCallers: mostCallers)
    }

    @Test("requests are counted for each caller alone")
    func requests() throws {
        let table = table(QuotaLimits(requestsPerSecond: 2))
        for _ in 0..<4 { try table.takeRequest(of: "a") }
        let refusal = QuotaRefusal(quota: .requests, limit: 2, wait: .milliseconds(500))
        #expect(throws: refusal) { try table.takeRequest(of: "a") }
        try table.takeRequest(of: "b")
        time.advance(by: .milliseconds(500))
        try table.takeRequest(of: "a")
        #expect(throws: refusal) { try table.takeRequest(of: "a") }
    }

    @Test("a place is free the moment it is let go of, and exactly as many are given as there are")
    func places() throws {
        let table = table(QuotaLimits(readers: 2, producers: 1))
        let first = try table.openReader(of: "a")
        var second = try table.openReader(of: "a")
        let refusal = QuotaRefusal(quota: .readers, limit: 2, wait: .seconds(5))
        #expect(throws: refusal) { _ = try table.openReader(of: "a") }
        // Others, and the other kind, are not affected.
        let others = (try table.openReader(of: "b"), try table.openProducer(of: "a"))
        #expect(throws: QuotaRefusal(quota: .producers, limit: 1, wait: .seconds(5))) {
            _ = try table.openProducer(of: "a")
        }
        second = nil
        let third = try table.openReader(of: "a")
        #expect(throws: refusal) { _ = try table.openReader(of: "a") }
        withExtendedLifetime((first, second, third, others)) {}
    }

    @Test("of many that come at once, from several threads, exactly as many get one")
    func atOnce() async throws {
        let table = table(QuotaLimits(requestsPerSecond: 50, readers: 100, streamsPerHour: 100))
        let got = await withTaskGroup(of: (Bool, Bool, QuotaPlace?).self) { group in
            for _ in 0..<400 {
                group.addTask {
                    let request = (try? table.takeRequest(of: "a")) != nil
                    let stream = (try? table.takeStream(of: "a")) != nil
                    return (request, stream, try? table.openReader(of: "a"))
                }
            }
            return await group.reduce(into: [(Bool, Bool, QuotaPlace?)]()) { $0.append($1) }
        }
        #expect(got.count { $0.0 } == 100)
        #expect(got.count { $0.1 } == 100)
        #expect(got.count { $0.2 != nil } == 100)
    }

    @Test("a stream that was not created costs nothing, and one that was created beyond the quota is owed")
    func streams() throws {
        let table = table(QuotaLimits(streamsPerHour: 2))
        try table.takeStream(of: "a")
        try table.takeStream(of: "a")
        table.giveBackStream(of: "a")
        try table.takeStream(of: "a")
        table.chargeStream(of: "a")
        #expect(throws: QuotaRefusal(quota: .streams, limit: 2, wait: .seconds(3600))) {
            try table.takeStream(of: "a")
        }
        time.advance(by: .seconds(3600))
        try table.takeStream(of: "a")
    }

    @Test("what has no limit is not counted, and nobody is known for it")
    func off() throws {
        let table = table(QuotaLimits())
        for _ in 0..<100 {
            try table.takeRequest(of: "a")
            try table.takeStream(of: "a")
            #expect(try table.openReader(of: "a") == nil)
            #expect(try table.openProducer(of: "a") == nil)
        }
        #expect(table.count == 0)
    }

    @Test("idle callers are forgotten for new ones; those who are in use are not, nor is anything that they have done")
    func forgetting() throws {
        let table = table(QuotaLimits(requestsPerSecond: 1, readers: 1), mostCallers: 4)
        let place = try table.openReader(of: "reader")
        try table.takeRequest(of: "idle")
        time.advance(by: .seconds(10))
        for _ in 0..<2 { try table.takeRequest(of: "busy") }
        try table.takeRequest(of: "third")
        #expect(table.count == 4)
        try table.takeRequest(of: "new")
        #expect(table.count == 4)
        #expect(throws: QuotaRefusal.self) { _ = try table.openReader(of: "reader") }
        #expect(throws: QuotaRefusal.self) { try table.takeRequest(of: "busy") }
        withExtendedLifetime(place) {}
    }

    @Test("however many names there are, the table does not grow, and they are counted as one")
    func manyNames() throws {
        let table = table(QuotaLimits(requestsPerSecond: 2), mostCallers: 10)
        for number in 0..<10 { try table.takeRequest(of: "\(number)") }
        for number in 10..<14 { try table.takeRequest(of: "\(number)") }
        for number in 14..<1000 {
            #expect(throws: QuotaRefusal.self) { try table.takeRequest(of: "\(number)") }
        }
        #expect(table.count == 10)
        // One that was known before has what it had.
        try table.takeRequest(of: "3")
        // And as soon as others are idle there is room again, by themselves.
        time.advance(by: .seconds(5))
        for _ in 0..<4 { try table.takeRequest(of: "late") }
        for _ in 0..<4 { try table.takeRequest(of: "later") }
        #expect(table.count <= 10)
    }

    @Test("a place of one who was counted with others is given back to them")
    func placesOfOthers() throws {
        let table = table(QuotaLimits(readers: 1), mostCallers: 1)
        let known = try table.openReader(of: "known")
        var place = try table.openReader(of: "a")
        #expect(throws: QuotaRefusal.self) { _ = try table.openReader(of: "b") }
        place = nil
        place = try table.openReader(of: "b")
        withExtendedLifetime((known, place)) {}
    }
}
