import StoreSuite
import StreamCore
import Testing

@Suite("The hub", .timeLimit(.minutes(10)))
struct HubTests {
    let store = ScriptedStore(MemoryStreamStore(time: ManualTime()))
    let name = StreamName.known("s")

    @Test("watches a stream once, however many follow, until the last one leaves")
    func oneWatch() async throws {
        let hub = Hub(store: store)
        let listeners = (0..<3).map { _ in WatchRecorder() }
        for listener in listeners { hub.follow(name, listener) }
        #expect(store.watches == 1)
        _ = try await store.put(name)
        try await store.add(name, "a")
        for listener in listeners {
            #expect(listener.signals.words == ["ready", "created", "committed"] && listener.wakes > 0)
        }
        // Encoded once for all: they share the item.
        #expect(listeners[0].items[0] === listeners[1].items[0])
        hub.unfollow(name, listeners[0])
        try await store.add(name, "b")
        #expect(listeners[0].items.count == 1 && listeners[1].items.count == 2)
        for listener in listeners { hub.unfollow(name, listener) }
        #expect(store.watches == 0)
    }

    @Test("tells whoever comes later that the watch is ready, first")
    func lateFollower() async throws {
        let hub = Hub(store: store)
        let first = WatchRecorder()
        let second = WatchRecorder()
        _ = try await store.put(name)
        hub.follow(name, first)
        try await store.add(name, "a")
        hub.follow(name, second)
        #expect(second.signals.words == ["ready"])
        try await store.add(name, "b")
        #expect(second.signals.words == ["ready", "committed"])
    }

    @Test("keeps no watch and misses no commit while followers come and go on many threads")
    func comesAndGoes() async throws {
        let hub = Hub(store: store)
        let store = store
        let name = name
        _ = try await store.put(name)
        await withThrowingTaskGroup { group in
            for _ in 0..<8 {
                group.addTask { @concurrent in
                    for round in 0..<300 {
                        let listener = WatchRecorder()
                        hub.follow(name, listener)
                        await listener.wait { !$0.isEmpty }
                        #expect(listener.signals.words.first == "ready")
                        if round % 3 == 0 {
                            let tail = try await store.add(name, "x")
                            await listener.wait { $0.items.contains { $0.last == tail } }
                        }
                        hub.unfollow(name, listener)
                    }
                }
            }
        }
        #expect(store.watches == 0)
    }

    @Test("keeps no watch for a follower that left while it was joining")
    func leavesWhileJoining() async throws {
        let hub = Hub(store: store)
        let listener = WatchRecorder()
        let name = name
        store.beforeWatch { hub.unfollow(name, listener) }
        hub.follow(name, listener)
        #expect(store.watches == 0)
    }
}
