import Testing

@testable import RedisStreamStore

@Suite("The search for the master")
struct MasterSearchTests {
    private typealias Action = MasterSearch.Action

    private let a = RedisEndpoint(host: "a", port: 1)
    private let b = RedisEndpoint(host: "b", port: 2)
    private static let away = RedisTrouble(.connect, "there is no sentinel: Connection refused")
    private static let unknown = RedisTrouble(.masterName, "it knows no master named m")

    private func search(_ count: Int = 3) -> MasterSearch {
        MasterSearch(name: "m", sentinels: (0..<count).map { RedisEndpoint(host: "s\($0)", port: 26379) })
    }

    private func says(_ master: RedisEndpoint, _ epoch: Int64) -> Result<SentinelAnswer, RedisTrouble> {
        .success(SentinelAnswer(master: master, epoch: epoch))
    }

    /// A search that ends with a master that is used.
    private func use(_ search: inout MasterSearch, _ master: RedisEndpoint, _ epoch: Int64) {
        _ = search.begin()
        #expect(search.received(says(master, epoch)) == .use(master))
        search.confirmed(master)
    }

    @Test("asks the next sentinel where one is away or knows nothing, and the one that answered first the next time")
    func turns() {
        var search = search()
        #expect(search.begin() == .ask(0))
        #expect(search.received(.failure(Self.away)) == .ask(1))
        #expect(search.received(.failure(Self.unknown)) == .ask(2))
        #expect(search.received(says(a, 0)) == .use(a))
        search.confirmed(a)
        #expect(search.begin() == .ask(2))
        #expect(search.received(.failure(Self.away)) == .ask(0))
        #expect(search.received(says(b, 1)) == .use(b))
        #expect(search.begin() == .ask(0))
    }

    @Test("asks another first after a master that was none")
    func passedOver() {
        var search = search()
        #expect(search.begin() == .ask(0))
        #expect(search.received(says(a, 9)) == .use(a))
        search.passOver(b)
        search.passOver(a)
        // The epoch of who lies counts for nothing.
        #expect(search.begin() == .ask(1))
        #expect(search.received(says(b, 2)) == .use(b))
        search.passOver(b)
        search.passOver(b)
        #expect(search.begin() == .ask(2))
    }

    @Test("fails with what each sentinel said")
    func fails() {
        var search = search(2)
        _ = search.begin()
        #expect(search.received(.failure(Self.away)) == .ask(1))
        guard case .fail(let trouble) = search.received(.failure(Self.unknown)) else {
            Issue.record("it did not fail")
            return
        }
        #expect(trouble.kind == .sentinel && !trouble.isPermanent)
        #expect(
            trouble.description
                == "no sentinel says where the master m is. s0:26379: there is no sentinel: Connection refused; "
                + "s1:26379: it knows no master named m"
        )
        // None of them knows it: waiting will not help.
        #expect(search.begin() == .ask(0))
        #expect(search.received(.failure(Self.unknown)) == .ask(1))
        guard case .fail(let wrong) = search.received(.failure(Self.unknown)) else {
            Issue.record("it did not fail")
            return
        }
        #expect(wrong.kind == .masterName && wrong.isPermanent)
    }

    @Test("does not believe a sentinel that knows of fewer failovers than the master that was used last")
    func behind() {
        var search = search()
        use(&search, b, 5)
        #expect(search.begin() == .ask(0))
        #expect(search.received(says(a, 4)) == .ask(1))
        #expect(search.received(says(b, 5)) == .use(b))
        // Nobody else answers: it may be the one that was cut off.
        #expect(search.begin() == .ask(1))
        #expect(search.received(.failure(Self.away)) == .ask(2))
        #expect(search.received(.failure(Self.away)) == .ask(0))
        guard case .fail(let trouble) = search.received(says(a, 4)) else {
            Issue.record("it believed who was cut off")
            return
        }
        #expect(trouble.kind == .sentinel)
    }

    @Test("believes the highest of most sentinels, which were set up anew")
    func anew() {
        var search = search()
        use(&search, b, 5)
        #expect(search.begin() == .ask(0))
        #expect(search.received(says(b, 0)) == .ask(1))
        #expect(search.received(says(a, 1)) == .ask(2))
        #expect(search.received(.failure(Self.away)) == .use(a))
        search.passOver(a)
        #expect(search.begin() == .ask(2))
        #expect(search.received(says(b, 0)) == .use(b))
    }

    @Test("notices another master only by a later failover")
    func superseded() {
        var search = search()
        use(&search, a, 5)
        #expect(hear(&search, b, 4) == nil)
        #expect(hear(&search, b, 5) == nil)
        // Failed over and back.
        #expect(hear(&search, a, 6, isUsed: true) == a)
        #expect(hear(&search, b, 6) == nil)
        #expect(hear(&search, b, 7) == b)
        // Until it is used it may be none.
        #expect(hear(&search, b, 7) == b)
        #expect(search.begin() == .ask(1))
        #expect(search.received(says(b, 7)) == .use(b))
        #expect(search.current == a)
        search.confirmed(b)
        #expect(search.current == b)
        #expect(hear(&search, a, 6) == nil)
    }

    @Test("does not follow one that could not be used with every look")
    func refused() {
        var search = search()
        use(&search, a, 5)
        #expect(hear(&search, b, 7) == b)
        #expect(search.begin() == .ask(1))
        #expect(search.received(says(b, 7)) == .use(b))
        search.passOver(b)
        use(&search, a, 5)
        for _ in 0..<9 {
            search.look()
            #expect(hear(&search, b, 7) == nil)
        }
        #expect(hear(&search, b, 8) == b)
        search.look()
        #expect(hear(&search, b, 7) == b)
    }

    @Test("is not led astray by what comes while it is under way")
    func beside() {
        var search = search()
        use(&search, a, 5)
        #expect(search.begin() == .ask(0))
        #expect(hear(&search, b, 7, of: 2) == b)
        #expect(search.received(.failure(Self.away)) == .ask(1))
        search.passOver(a)
        #expect(search.received(.failure(Self.away)) == .ask(2))
        #expect(search.received(says(b, 7)) == .use(b))
    }

    private func hear(
        _ search: inout MasterSearch,
        _ master: RedisEndpoint,
        _ epoch: Int64,
        of sentinel: Int = 1,
        isUsed: Bool = false
    ) -> RedisEndpoint? {
        search.heard(SentinelAnswer(master: master, epoch: epoch), of: sentinel, isUsed: isUsed)
    }
}
