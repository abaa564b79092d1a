import Locks
import StoreSuite
import Testing

@testable import RedisStreamStore

@Suite("The table of subscriptions")
struct SubscriptionTableTests {
    private let a = Array("a".utf8)
    private let b = Array("b".utf8)

    private func add(_ table: inout SubscriptionTable, _ name: [UInt8], _ number: UInt64, _ told: Recorder<String>) {
        table.add(name, number: number) { signal in
            switch signal {
            case .ready: told.note("\(number) ready")
            case .lost: told.note("\(number) lost")
            case .message(let bytes): told.note("\(number) \(String(decoding: bytes, as: UTF8.self))")
            }
        }?(.ready)
    }

    private func confirm(_ table: inout SubscriptionTable, _ name: [UInt8]) -> Bool {
        let told = table.confirmed(name)
        for told in told ?? [] { told(.ready) }
        return told != nil
    }

    @Test("asks Redis once for all who follow a channel, and takes it back with the last of them")
    func counts() {
        var table = SubscriptionTable()
        let told = Recorder<String>()
        add(&table, a, 1, told)
        add(&table, a, 2, told)
        #expect(table.takeChanges() == .init(subscribe: [a]))
        #expect(table.takeChanges() == .init())
        table.told(a) { $0(.message(Array("early".utf8))) }
        #expect(told.elements.isEmpty)
        #expect(confirm(&table, a))
        add(&table, a, 3, told)
        #expect(told.elements == ["1 ready", "2 ready", "3 ready"] && table.takeChanges() == .init())
        table.told(a) { $0(.message(Array("x".utf8))) }
        table.told(b) { $0(.message(Array("x".utf8))) }
        #expect(told.elements.suffix(3) == ["1 x", "2 x", "3 x"])
        table.remove(a, number: 2)
        table.remove(a, number: 2)
        table.remove(a, number: 1)
        #expect(table.takeChanges() == .init())
        table.remove(a, number: 3)
        #expect(table.takeChanges() == .init(unsubscribe: [a]))
        #expect(confirm(&table, a) && table.count == 0)
        #expect(!confirm(&table, a), "nothing more is on the way")
    }

    @Test("asks nothing for what changed back before it was asked")
    func changesBack() {
        var table = SubscriptionTable()
        let told = Recorder<String>()
        add(&table, a, 1, told)
        table.remove(a, number: 1)
        #expect(table.count == 0, "who comes and goes leaves nothing behind, though Redis is away")
        #expect(table.takeChanges() == .init())
        add(&table, a, 2, told)
        _ = table.takeChanges()
        #expect(confirm(&table, a))
        table.remove(a, number: 2)
        add(&table, a, 3, told)
        #expect(table.takeChanges() == .init())
        #expect(told.elements == ["2 ready", "3 ready"], "it was subscribed all the time")
    }

    @Test("waits for the last confirmation when someone comes while an UNSUBSCRIBE is on the way")
    func crossing() {
        var table = SubscriptionTable()
        let told = Recorder<String>()
        add(&table, a, 1, told)
        #expect(table.takeChanges() == .init(subscribe: [a]))
        table.remove(a, number: 1)
        #expect(table.takeChanges() == .init(unsubscribe: [a]))
        add(&table, a, 2, told)
        #expect(table.takeChanges() == .init(subscribe: [a]))
        #expect(confirm(&table, a))
        table.told(a) { $0(.message([0])) }
        #expect(confirm(&table, a))
        #expect(told.elements.isEmpty, "the first SUBSCRIBE and the UNSUBSCRIBE say nothing of the second")
        #expect(confirm(&table, a))
        #expect(told.elements == ["2 ready"])
    }

    @Test("asks for all of it again after a loss, and tells only those who were ready")
    func loss() {
        var table = SubscriptionTable()
        let told = Recorder<String>()
        add(&table, a, 1, told)
        _ = table.takeChanges()
        #expect(confirm(&table, a))
        add(&table, b, 2, told)
        _ = table.takeChanges()
        for told in table.lost() { told(.lost) }
        #expect(told.elements == ["1 ready", "1 lost"])
        #expect(!confirm(&table, b), "a confirmation of the old connection does not count")
        #expect(Set(table.takeChanges().subscribe) == [a, b])
        #expect(confirm(&table, a) && confirm(&table, b))
        #expect(told.elements == ["1 ready", "1 lost", "1 ready", "2 ready"])
        for told in table.lost() { told(.lost) }
        table.remove(a, number: 1)
        table.remove(b, number: 2)
        #expect(table.takeChanges() == .init() && table.count == 0)
    }

    /// Redis as it is: what is asked takes effect, and is confirmed, in its order, some time later.
    private struct Server {
        var subscribed: Set<[UInt8]> = []
        var asked: [(name: [UInt8], subscribes: Bool)] = []
        /// Confirmations and messages on the way to the client.
        var said: [(name: [UInt8], message: String?)] = []

        mutating func take(_ changes: SubscriptionTable.Changes) {
            asked += changes.unsubscribe.map { ($0, false) } + changes.subscribe.map { ($0, true) }
        }

        mutating func step() {
            guard !asked.isEmpty else { return }
            let (name, subscribes) = asked.removeFirst()
            if subscribes { subscribed.insert(name) } else { subscribed.remove(name) }
            said.append((name, nil))
        }
    }

    @Test("tells whoever is ready every message, whatever crosses what", arguments: 0..<50 as Range<UInt64>)
    func model(_ seed: UInt64) {
        var random = SeededRandom(seed: seed)
        var table = SubscriptionTable()
        var server = Server()
        let names = [a, b, Array("c".utf8)]
        /// For each who follows: the channel, and what it was told since it was ready; nil while it is not.
        let told = Mutex<[UInt64: [String]?]>([:])
        var following: [UInt64: [UInt8]] = [:]
        var expected: [UInt64: [String]] = [:]
        var next: UInt64 = 0
        var published = 0
        func hear() {
            let (name, message) = server.said.removeFirst()
            if let message {
                table.told(name) { $0(.message(Array(message.utf8))) }
            } else {
                let ready = table.confirmed(name)
                #expect(ready != nil)
                for told in ready ?? [] { told(.ready) }
            }
        }
        func follow() {
            next += 1
            let number = next
            let name = names[Int.random(in: 0..<3, using: &random)]
            following[number] = name
            table.add(name, number: number) { signal in
                told.withLock { told in
                    switch signal {
                    case .ready: told[number] = .some([])
                    case .lost: told[number] = .some(nil)
                    case .message(let bytes): told[number]??.append(String(decoding: bytes, as: UTF8.self))
                    }
                }
            }?(.ready)
        }
        for _ in 0..<2000 {
            switch Int.random(in: 0..<100, using: &random) {
            case 0..<15: follow()
            case 15..<30:
                guard let number = following.keys.sorted().randomElement(using: &random), let name = following[number]
                else { continue }
                following[number] = nil
                told.withLock { $0[number] = nil }
                table.remove(name, number: number)
            case 30..<50: server.take(table.takeChanges())
            case 50..<65: server.step()
            case 65..<80: if !server.said.isEmpty { hear() }
            case 80..<99:
                let name = names[Int.random(in: 0..<3, using: &random)]
                published += 1
                if server.subscribed.contains(name) { server.said.append((name, "\(published)")) }
                // Whoever is ready is owed it.
                for (number, followed) in following where followed == name {
                    if told.withLock({ $0[number] ?? nil }) != nil {
                        expected[number, default: []].append("\(published)")
                    }
                }
            default:
                server = Server()
                for told in table.lost() { told(.lost) }
                expected = [:]
            }
        }
        server.take(table.takeChanges())
        while !server.asked.isEmpty { server.step() }
        while !server.said.isEmpty { hear() }
        #expect(server.subscribed == Set(following.values))
        #expect(table.count == Set(following.values).count)
        for (number, _) in following {
            let heard = told.withLock { $0[number] ?? nil }
            #expect(heard != nil, "\(number) is ready in the end")
            // It may have been told more: what was published between Redis's confirmation and its arrival.
            #expect(Set(expected[number] ?? []).isSubset(of: heard ?? []))
            #expect(heard == heard?.sorted { Int($0) ?? 0 < Int($1) ?? 0 })
        }
    }
}
