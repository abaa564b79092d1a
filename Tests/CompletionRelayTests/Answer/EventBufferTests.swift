import StreamCore
import Testing

@testable import CompletionRelay

@Suite("Between reading and appending")
struct EventBufferTests {
    @Test("everything that waits is taken together, with the end that came with it")
    func together() async throws {
        let buffer = EventBuffer()
        #expect(await buffer.put([kept("a", isToken: true), kept("b")]))
        #expect(await buffer.put([kept("c", isToken: true)]))
        buffer.close(EndRequest(.done))
        buffer.close(EndRequest(.failed))
        #expect(await !buffer.put([kept("d")]))
        let batch = try #require(await buffer.next())
        #expect(batch.events.map { String(decoding: $0.data, as: UTF8.self) } == ["a", "b", "c"])
        #expect(batch.tokens == 2)
        #expect(batch.bytes == 3)
        #expect(batch.end == EndRequest(.done))
        #expect(await buffer.next() == nil)
    }

    @Test("whoever reads waits while too much waits")
    func full() async {
        let buffer = EventBuffer()
        let large = ProviderEventMachine.Kept(
            body: EventBody(data: [UInt8](repeating: 1, count: EventBuffer.limit + 1)),
            said: .token
        )
        await withTaskGroup(of: String.self) { group in
            group.addTask {
                _ = await buffer.put([large])
                return "put"
            }
            group.addTask {
                while buffer.waitingBytes == 0 { await Task.yield() }
                _ = await buffer.next()
                return "taken"
            }
            for await _ in group {}
        }
        #expect(buffer.waitingBytes == 0)
    }

    @Test("who waits for events that never come is let go when its task is cancelled")
    func cancelled() async {
        let buffer = EventBuffer()
        let task = Task { await buffer.next() == nil }
        task.cancel()
        #expect(await task.value)
        #expect(await !buffer.put([kept("a")]))
    }

    private func kept(_ text: String, isToken: Bool = false) -> ProviderEventMachine.Kept {
        ProviderEventMachine.Kept(body: EventBody(data: Array(text.utf8)), said: isToken ? .token : .something)
    }
}
