import NIOCore
import Testing

@testable import CompletionRelay

@Suite("A pipe of bytes")
struct BodyPipeTests {
    @Test("gives what was put, and then the end")
    func end() async throws {
        let pipe = BodyPipe()
        #expect(await pipe.put(ByteBuffer(string: "a")))
        #expect(await pipe.put(ByteBuffer(string: "b")))
        pipe.finish(.success(()))
        #expect(try await pipe.next().map { String(buffer: $0) } == "ab")
        #expect(try await pipe.next() == nil)
    }

    @Test("gives what was put before the reason why there is no more")
    func torn() async throws {
        let pipe = BodyPipe()
        #expect(await pipe.put(ByteBuffer(string: "a")))
        pipe.finish(.failure(UpstreamError.silent))
        pipe.finish(.success(()))
        #expect(try await pipe.next().map { String(buffer: $0) } == "a")
        await #expect(throws: UpstreamError.silent) { try await pipe.next() }
    }

    @Test("lets nobody put much more than is taken, and nobody wait for one who has left")
    func bounded() async throws {
        let pipe = BodyPipe()
        let large = ByteBuffer(repeating: 0x61, count: 100_000)
        async let put = pipe.put(large)
        #expect(try await pipe.next()?.readableBytes == 100_000)
        #expect(await put)
        async let second = pipe.put(large)
        await Task.yield()
        pipe.abandon()
        #expect(await !second)
        #expect(await !pipe.put(large))
        await #expect(throws: CancellationError.self) { try await pipe.next() }
    }

    @Test("an interruption gives no bytes, once")
    func interrupted() async throws {
        let pipe = BodyPipe()
        pipe.interrupt()
        #expect(try await pipe.next()?.readableBytes == 0)
        #expect(await pipe.put(ByteBuffer(string: "a")))
        #expect(try await pipe.next().map { String(buffer: $0) } == "a")
        // Where bytes came first, it is for whoever waits next.
        #expect(await pipe.put(ByteBuffer(string: "b")))
        pipe.interrupt()
        #expect(try await pipe.next().map { String(buffer: $0) } == "b")
        #expect(try await pipe.next()?.readableBytes == 0)
    }
}
