import DurableStream
import EventSource
import Freshet
import Testing

/// The library `DurableStream` against a server that runs in this process.
@Suite("DurableStream, with a real server", .timeLimit(.minutes(10)))
struct DurableStreamTests {
    private static func code(_ error: any Error) -> DurableStreamError.Code? { (error as? DurableStreamError)?.code }

    private static func texts(_ chunk: DurableStream.Chunk) -> [String] {
        chunk.values.map { String(decoding: $0, as: UTF8.self) }
    }

    @Test(
        "Values that are written are read while they are, once and in order, and the end with its reason",
        arguments: [DurableStream.Live.automatic, .longPoll, .serverSentEvents]
    )
    func values(live: DurableStream.Live) async throws {
        try await RunningServer.with(try EmbeddedServerTests.server()) { running async throws in
            let stream = DurableStream(url: running.url + "/v1/stream/values")
            let producer = try stream.producer(.init(contentType: "application/json"))
            try await producer.append(json: 0)
            try await producer.flush()
            async let read = { () async throws -> ([String], DurableStream.End?) in
                var values: [String] = []
                var end: DurableStream.End?
                for try await chunk in stream.read(.init(live: live)) {
                    values += Self.texts(chunk)
                    end = chunk.end
                }
                return (values, end)
            }()
            for number in 1..<200 {
                try await producer.append(json: number)
                if number % 20 == 0 { try await producer.flush() }
            }
            #expect(try await producer.end(.failed, detail: "enough") == .init(reason: .failed, detail: "enough"))
            let (values, end) = try await read
            #expect(values == (0..<200).map(String.init))
            #expect(end == .init(reason: .failed, detail: "enough"))
            let info = try await stream.head()
            #expect(info.end == end)
            #expect(info.contentType == "application/json")
            #expect(info.nextOffset == producer.acknowledged)
        }
    }

    @Test("Text arrives with its carriage returns, bytes as they are, and a read goes on where it was")
    func bytes() async throws {
        try await RunningServer.with(try EmbeddedServerTests.server()) { running async throws in
            for (type, first, second) in [
                ("text/plain", Array("one\r\nt".utf8), Array("w\u{F6}\r".utf8)),
                ("application/octet-stream", [0, 13, 10, 255], [128, 10]),
            ] as [(String, [UInt8], [UInt8])] {
                let stream = DurableStream(url: running.url + "/v1/stream/bytes/" + type)
                let producer = try stream.producer(.init(contentType: type))
                try await producer.append(bytes: first)
                try await producer.flush()
                let kept = try #require(producer.acknowledged)
                try await producer.append(bytes: second)
                try await producer.end()
                for (offset, wanted) in [(DurableStream.Offset.start, first + second), (kept, second), (.now, [])] {
                    for live in [DurableStream.Live.automatic, .never] {
                        var bytes: [UInt8] = []
                        var end: DurableStream.End?
                        for try await chunk in stream.read(from: offset, .init(live: live)) {
                            bytes += chunk.bytes
                            end = chunk.end
                        }
                        #expect(bytes == wanted)
                        #expect(end?.reason == .done)
                    }
                }
            }
        }
    }

    @Test("A long stream is read in pages")
    func pages() async throws {
        try await RunningServer.with(try EmbeddedServerTests.server()) { running async throws in
            let stream = DurableStream(url: running.url + "/v1/stream/pages")
            try await stream.produce(.init(contentType: "application/json")) { producer in
                for number in 0..<1000 { try await producer.append(json: number) }
            }
            var options = DurableStream.ReadOptions(live: .never)
            options.pageEvents = 100
            var sizes: [Int] = []
            var values: [String] = []
            for try await chunk in stream.read(options) {
                sizes.append(chunk.values.count)
                values += Self.texts(chunk)
            }
            #expect(values == (0..<1000).map(String.init))
            #expect(sizes.allSatisfy { $0 <= 100 })
        }
    }

    @Test("A reader from now waits for what comes, and a cancel is told to the producer and to the reader")
    func cancel() async throws {
        try await RunningServer.with(try EmbeddedServerTests.server()) { running async throws in
            let stream = DurableStream(url: running.url + "/v1/stream/cancelled")
            #expect(try await stream.create(contentType: "text/plain", lease: .seconds(60)).isNew)
            var options = DurableStream.ProducerOptions()
            options.acceptsAnyOpenStream = true
            let producer = try stream.producer(options)
            try await producer.append("before")
            try await producer.flush()
            var reader = stream.read(from: .now).makeAsyncIterator()
            let tail = try await reader.next()
            #expect(tail?.bytes == [])
            #expect(tail?.nextOffset == producer.acknowledged)
            try await producer.append("after")
            let news = try await reader.next()
            #expect(news?.bytes == Array("after".utf8))
            #expect(try await stream.cancel().reason == .cancelled)
            try await producer.append("lost")
            #expect(try await producer.waitUntilOver()?.reason == .cancelled)
            let last = try await reader.next()
            #expect(last?.end?.reason == .cancelled)
            let nothing = try await reader.next()
            #expect(nothing == nil)
        }
    }

    @Test("A newer epoch fences the older producer")
    func fencing() async throws {
        try await RunningServer.with(try EmbeddedServerTests.server()) { running async throws in
            let stream = DurableStream(url: running.url + "/v1/stream/fenced")
            var options = DurableStream.ProducerOptions()
            options.identity = .init(id: "writer", epoch: 1)
            let first = try stream.producer(options)
            try await first.append("1")
            try await first.flush()
            options.identity?.epoch = 2
            let second = try stream.producer(options)
            try await second.append("2")
            try await second.flush()
            _ = try? await first.append("lost")
            await #expect { try await first.flush() } throws: { error in
                Self.code(error) == .fenced && (error as? DurableStreamError)?.epoch == 2
            }
            try await second.end()
            var text = ""
            for try await chunk in stream.read() { text += String(decoding: chunk.bytes, as: UTF8.self) }
            #expect(text == "12")
        }
    }

    @Test("What is refused, missing, different or gone has its own error")
    func errors() async throws {
        try await RunningServer.with(try EmbeddedServerTests.server()) { running async throws in
            let stream = DurableStream(url: running.url + "/v1/stream/errors")
            await #expect { _ = try await stream.head() } throws: { Self.code($0) == .notFound }
            await #expect { for try await _ in stream.read() {} } throws: { Self.code($0) == .notFound }
            try await stream.create(contentType: "text/plain")
            #expect(try await !stream.create(contentType: "text/plain").isNew)
            await #expect {
                try await stream.create(contentType: "application/json")
            } throws: { error in
                Self.code(error) == .conflict && (error as? DurableStreamError)?.problem == "stream-differs"
            }
            await #expect {
                for try await _ in stream.read(from: .init(rawValue: "zzzzzzzzzzzz")) {}
            } throws: { Self.code($0) == .gone }
            var options = DurableStream.ProducerOptions(contentType: "application/json")
            options.creates = false
            let producer = try stream.producer(options)
            _ = try? await producer.append(json: 1)
            await #expect { try await producer.flush() } throws: { Self.code($0) == .conflict }
            try await stream.delete()
            await #expect { try await stream.delete() } throws: { Self.code($0) == .notFound }
        }
    }
}
