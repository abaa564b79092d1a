import Testing

@testable import RedisStreamStore

@Suite("What a Redis is set up to survive")
struct RedisSafetyTests {
    private let safe = [
        "appendonly": "yes", "maxmemory-policy": "noeviction", "maxmemory": "1000", "min-replicas-to-write": "1",
        "min-replicas-max-lag": "10",
    ]

    private func gaps(_ changes: [String: String?] = [:], replicas: Int? = 2, awaited: Int = 2) -> [String] {
        var settings = safe
        for (name, value) in changes { settings[name] = value }
        return RedisSafety(settings: settings, replicas: replicas, awaited: awaited).gaps
    }

    @Test("has no gap where all replicas are waited for, and everything is as it should be")
    func none() {
        #expect(gaps() == [])
        #expect(
            gaps(["maxmemory-policy": "allkeys-lru", "maxmemory": "0"]) == [],
            "nothing is deleted where there is no limit"
        )
    }

    @Test("each gap is said with what to do about it")
    func each() {
        #expect(gaps(["appendonly": "no"]).first?.contains("Set appendonly yes.") == true)
        #expect(gaps(["maxmemory-policy": "volatile-ttl"]).first?.contains("Set maxmemory-policy noeviction.") == true)
        #expect(gaps(["min-replicas-to-write": "0"]).first?.contains("Set min-replicas-to-write 1") == true)
        #expect(gaps(["min-replicas-max-lag": "0"]).first?.contains("Set min-replicas-max-lag 10.") == true)
        #expect(gaps(replicas: 2, awaited: 1).first?.contains("Set redis-replicas to 2.") == true)
        #expect(gaps(replicas: 1, awaited: 2).first?.contains("nothing can be appended") == true)
        let alone = gaps(["min-replicas-to-write": "0"], replicas: 0, awaited: 0)
        #expect(alone.count == 1 && alone[0].contains("Redis has no replica"))
    }

    @Test("what it does not say is a gap too")
    func unknown() {
        let all: [String: String?] = Dictionary(uniqueKeysWithValues: safe.keys.map { ($0, String?.none) })
        let found = gaps(all, replicas: nil)
        #expect(
            found.count == 1 && found[0].contains("appendonly, maxmemory-policy, min-replicas-to-write, its replicas")
        )
    }

    @Test("information is lines of names and values")
    func information() {
        let information = RedisInformation(
            "# Memory\r\nused_memory:1048576\r\nmaxmemory:0\r\nmem_allocator:jemalloc-5.3.0\r\n"
        )
        #expect(information["used_memory"] == 1_048_576 && information["maxmemory"] == 0)
        #expect(information["mem_allocator"] == nil && information["none"] == nil)
    }
}
