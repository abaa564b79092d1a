import Locks
import Testing

@testable import EventSource

@Suite struct HandoffTests {
    @Test func `A sender is at most one batch ahead`() async throws {
        let handoff = Handoff<[EventSource.Element]>()
        let sent = Mutex(0)
        let sender = Task {
            for index in 0..<100 {
                await handoff.send([.comment("\(index)")])
                sent.withLock { $0 = index + 1 }
            }
            handoff.finish(.success(()))
        }
        var taken = 0
        while let batch = try await handoff.next() {
            #expect(batch == [.comment("\(taken)")])
            taken += 1
            // Of what was sent, at most one batch is not taken yet.
            #expect(sent.withLock { $0 } <= taken + 1)
        }
        await sender.value
        #expect(taken == 100)
    }

    @Test func `What was given before the end is still taken, then the error is thrown`() async throws {
        let handoff = Handoff<[EventSource.Element]>()
        await handoff.send([.opened])
        handoff.finish(.failure(EventSourceError(.gaveUp, "")))
        #expect(try await handoff.next() == [.opened])
        await #expect(throws: EventSourceError.self) { try await handoff.next() }
    }

    @Test func `A cancelled reader gets nil, and its sender is let go`() async throws {
        let handoff = Handoff<[EventSource.Element]>()
        let reader = Task { try await handoff.next() }
        reader.cancel()
        #expect(try await reader.value == nil)
        await handoff.send([.opened])
        await handoff.send([.opened])
    }
}
