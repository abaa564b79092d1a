import EventSource
import Locks
import Testing

@testable import DurableStream

private func text(_ text: String) -> [UInt8] { Array(text.utf8) }

private func code(_ error: any Error) -> DurableStreamError.Code? { (error as? DurableStreamError)?.code }

@Suite(.timeLimit(.minutes(5))) struct ProducerTests {
    @Test(arguments: 0..<5, [true, false])
    func `Whatever request is lost, everything is kept once, and ended once`(lost: Int, isCarriedOut: Bool) async throws
    {
        let server = ModelServer { $0 == lost ? (isCarriedOut ? .lostAfter : .lostBefore) : .answered }
        let producer = try server.stream().producer()
        for word in ["one ", "two ", "three"] {
            #expect(try await producer.append(word) == .open)
            #expect(try await producer.flush() == .open)
        }
        #expect(producer.acknowledged == .init(rawValue: "3"))
        #expect(try await producer.end(detail: "all said") == .init(reason: .done, detail: "all said"))
        #expect(server.now.kept == ["one ", "two ", "three"])
        #expect(server.now.end?.reason == "done")
        #expect(server.now.end?.detail == "all said")
        // A second call asks nobody.
        let count = server.now.requests.count
        #expect(try await producer.end() == .init(reason: .done, detail: "all said"))
        #expect(server.now.requests.count == count)
        #expect(count == 6)
    }

    @Test(arguments: [408, 425, 429, 500, 502, 503, 504, 507])
    func `A refusal that may pass is repeated`(status: Int) async throws {
        let server = ModelServer { $0 % 2 == 0 ? .refused(status) : .answered }
        let producer = try server.stream().producer()
        try await producer.append("a")
        #expect(try await producer.end().reason == .done)
        #expect(server.now.kept == ["a"])
    }

    @Test(arguments: [
        (401, DurableStreamError.Code.unauthorized), (403, .unauthorized), (404, .notFound), (405, .refused),
        (409, .conflict),
        (410, .gone), (415, .refused), (501, .refused),
    ])
    func `Any other refusal of an append is thrown, by each call that follows`(
        status: Int,
        expected: DurableStreamError.Code
    ) async throws {
        let server = ModelServer { $0 == 1 ? .refused(status) : .answered }
        let producer = try server.stream().producer()
        // It may be told already.
        _ = try? await producer.append("a")
        await #expect { try await producer.flush() } throws: { code($0) == expected }
        await #expect { try await producer.append("b") } throws: { code($0) == expected }
        await #expect { try await producer.end() } throws: { error in
            (error as? DurableStreamError)?.status == status && code(error) == expected
        }
        #expect(throws: DurableStreamError.self) { try producer.standing }
        #expect(server.now.requests.count == 2)
    }

    @Test func `What the server refuses of the input ends the stream as failed, or leaves it open`() async throws {
        for ends in [true, false] {
            let server = ModelServer { $0 == 1 ? .refused(422) : .answered }
            var options = DurableStream.ProducerOptions()
            options.endsAfterRefusal = ends
            let producer = try server.stream().producer(options)
            _ = try? await producer.append("bad")
            await #expect { try await producer.flush() } throws: { code($0) == .refused }
            await #expect { try await producer.end() } throws: { ($0 as? DurableStreamError)?.status == 422 }
            #expect(server.now.end?.reason == (ends ? "failed" : nil))
            #expect(server.now.kept.isEmpty)
        }
    }

    @Test func `When there is no answer for as long as the patience, that is thrown`() async throws {
        let server = ModelServer { _ in .lostBefore }
        let producer = try server.stream { $0.patience = .zero }.producer()
        await #expect { try await producer.flush() } throws: { error in
            code(error) == .unreachable && "\(error)".contains("cut")
        }
    }

    @Test func `Values are batched while a request is under way, and bodies keep to the bounds`() async throws {
        let gate = Gate()
        let server = ModelServer { index in
            if index == 0 { await gate.pass() }
            return .answered
        }
        var options = DurableStream.ProducerOptions(contentType: "application/json")
        options.maximumBatchEvents = 3
        let producer = try server.stream().producer(options)
        await gate.arrival()
        for number in 1...4 { try await producer.append(json: ["n": number]) }
        try await producer.append(bytes: text("[1,\n2]"))
        gate.open()
        try await producer.end()
        #expect(server.now.kept == [#"[{"n":1},{"n":2},{"n":3}]"#, #"[{"n":4},[1, 2]]"#])
    }

    @Test func `A body that is too large is cut, and every part is kept`() async throws {
        let server = ModelServer()
        server.change { $0.mostBytes = 5 }
        let producer = try server.stream().producer()
        try await producer.append("abcdefghijklmnopqrst")
        try await producer.end()
        #expect(server.now.text == "abcdefghijklmnopqrst")
        #expect(server.now.kept.allSatisfy { $0.utf8.count <= 5 })
    }

    @Test func `An event has the form of the stream's type`() async throws {
        let events = ModelServer()
        let producer = try events.stream().producer(.init(contentType: "text/event-stream"))
        try await producer.append("a\nb", type: "note")
        try await producer.flush()
        try await producer.append("")
        try await producer.end()
        #expect(events.now.kept == ["event: note\ndata: a\ndata: b\n\n", "data: \n\n"])

        let bytes = ModelServer()
        let binary = try bytes.stream().producer(.init(contentType: "image/png"))
        for part in ["one", "two"] { try await binary.append(bytes: text(part)) }
        try await binary.end()
        #expect(bytes.now.kept == ["one", "two"])

        let lines = ModelServer()
        let ndjson = try lines.stream().producer(.init(contentType: "application/x-ndjson"))
        try await ndjson.append(json: "x")
        try await ndjson.end()
        #expect(lines.now.kept == ["\"x\"\n"])
    }

    @Test func `What is no event of the type is refused at once, and the producer goes on`() async throws {
        let json = ModelServer()
        let producer = try json.stream().producer(.init(contentType: "application/json"))
        await #expect { try await producer.append("text") } throws: { code($0) == .invalidInput }
        await #expect { try await producer.append(bytes: text("[1,")) } throws: { code($0) == .invalidInput }
        await #expect { try await producer.append(bytes: text("1\n2")) } throws: { code($0) == .invalidInput }
        try await producer.append(json: 3)
        try await producer.end()
        #expect(json.now.kept == ["[3]"])

        let events = ModelServer()
        let blocks = try events.stream().producer(.init(contentType: "text/event-stream"))
        await #expect { try await blocks.append("x", type: "end") } throws: { code($0) == .invalidInput }
        await #expect { try await blocks.append("x", type: "a\nb") } throws: { code($0) == .invalidInput }
        await #expect { try await blocks.append(json: 1) } throws: { code($0) == .invalidInput }
        await #expect { try await blocks.end(.cancelled) } throws: { code($0) == .invalidInput }
        try await blocks.end()
        #expect(events.now.kept.isEmpty)

        let plain = try ModelServer().stream().producer()
        await #expect { try await plain.append("x", type: "note") } throws: { code($0) == .invalidInput }
    }

    @Test func `Bytes as they come are cut into what is whole`() async throws {
        let server = ModelServer()
        let producer = try server.stream().producer(.init(contentType: "application/x-ndjson"))
        for piece in ["1\n{\"a\"", ":2}\n\"th", "ree\""] {
            try await producer.write(text(piece))
            try await producer.flush()
        }
        #expect(server.now.text == "1\n{\"a\":2}\n")
        try await producer.end()
        #expect(server.now.text == "1\n{\"a\":2}\n\"three\"\n")
        let bad = ModelServer()
        let other = try bad.stream().producer(.init(contentType: "application/x-ndjson"))
        _ = try? await other.write(text("1\nnonsense\n"))
        await #expect { try await other.end() } throws: { code($0) == .invalidInput }
        #expect(bad.now.kept == ["1\n"])
        #expect(bad.now.end?.reason == "failed")
    }

    @Test func `An append waits while too much is not acknowledged`() async throws {
        let gate = Gate()
        let log = Mutex<[String]>([])
        let server = ModelServer { index in
            if index == 1 {
                await gate.pass()
                log.withLock { $0.append("answered") }
            }
            return .answered
        }
        var options = DurableStream.ProducerOptions()
        options.maximumPendingBytes = 10
        let producer = try server.stream().producer(options)
        async let appended: Void = {
            try await producer.append("0123456789")
            log.withLock { $0.append("appended") }
        }()
        await gate.arrival()
        gate.open()
        try await appended
        #expect(log.withLock { $0 } == ["answered", "appended"])
        try await producer.end()
    }

    @Test func `An append of a task that is cancelled does not wait, and is kept`() async throws {
        let gate = Gate()
        let server = ModelServer { index in
            if index == 0 { await gate.pass() }
            return .answered
        }
        var options = DurableStream.ProducerOptions()
        options.maximumPendingBytes = 1
        let producer = try server.stream().producer(options)
        let appending = Task { try await producer.append("kept") }
        let flushing = Task { try await producer.flush() }
        appending.cancel()
        flushing.cancel()
        #expect(try await appending.value == .open)
        await #expect(throws: CancellationError.self) { try await flushing.value }
        gate.open()
        try await producer.end()
        #expect(server.now.kept == ["kept"])
    }

    @Test(arguments: ["cancelled", "abandoned", "failed", "done"])
    func `That somebody else ended the stream is a value`(reason: String) async throws {
        let server = ModelServer()
        let producer = try server.stream().producer()
        try await producer.append("a")
        try await producer.flush()
        server.change { $0.end = (reason, nil) }
        try await producer.append("b")
        let end = DurableStream.End(reason: .init(rawValue: reason), detail: "")
        #expect(try await producer.flush() == .ended(end))
        #expect(try await producer.append("c") == .ended(end))
        #expect(try producer.standing == .ended(end))
        #expect(try await producer.waitUntilOver() == end)
        #expect(try await producer.end() == end)
        #expect(server.now.kept == ["a"])
    }

    @Test func `A newer epoch fences the older, which is told the number`() async throws {
        let server = ModelServer()
        var old = DurableStream.ProducerOptions()
        old.identity = .init(id: "writer", epoch: 1)
        var new = old
        new.identity?.epoch = 4
        let first = try server.stream().producer(old)
        try await first.append("1")
        try await first.flush()
        let second = try server.stream().producer(new)
        try await second.append("2")
        try await second.flush()
        _ = try? await first.append("lost")
        await #expect { try await first.flush() } throws: { error in
            code(error) == .fenced && (error as? DurableStreamError)?.epoch == 4
        }
        await #expect { try await first.append("lost") } throws: { code($0) == .fenced }
        // The same epoch again: what the server has of its numbers is the other's.
        let third = try server.stream().producer(new)
        _ = try? await third.append("lost")
        await #expect { try await third.flush() } throws: { code($0) == .fenced }
        try await second.end()
        #expect(server.now.kept == ["1", "2"])
    }

    @Test func `A closed producer leaves the stream open for the next`() async throws {
        let server = ModelServer()
        let first = try server.stream().producer()
        try await first.append("1")
        #expect(try await first.close() == .open)
        #expect(try await first.waitUntilOver() == nil)
        await #expect { try await first.append("lost") } throws: { code($0) == .finished }
        await #expect { try await first.end() } throws: { code($0) == .finished }
        var options = DurableStream.ProducerOptions()
        options.creates = false
        let second = try server.stream().producer(options)
        try await second.append("2")
        try await second.end()
        #expect(server.now.kept == ["1", "2"])
        #expect(server.now.requests.count { $0.method == "PUT" } == 1)
    }

    @Test func `A producer that is let go asks for nothing more`() async throws {
        let gate = Gate()
        let (cancelled, teller) = AsyncStream.makeStream(of: Void.self)
        let transport = ScriptedTransport { _, _ in
            try await withTaskCancellationHandler {
                gate.open()
                await gate.pass()
                return try await ScriptedTransport.never()
            } onCancel: {
                teller.finish()
            }
        }
        do {
            let producer = try DurableStream(url: "http://h/s", transport: transport).producer()
            await gate.arrival()
            withExtendedLifetime(producer) {}
        }
        for await _ in cancelled {}
        #expect(transport.requests.count == 1)
    }

    @Test func `A stream that is produced ends with the closure: done, or failed if it throws`() async throws {
        struct Trouble: Error {}
        let good = ModelServer()
        let end = try await good.stream().produce { try await $0.append("all") }
        #expect(end.reason == .done)
        #expect(good.now.kept == ["all"])
        let bad = ModelServer()
        await #expect(throws: Trouble.self) {
            try await bad.stream().produce { producer in
                try await producer.append("half")
                throw Trouble()
            }
        }
        #expect(bad.now.kept == ["half"])
        #expect(bad.now.end?.reason == "failed")
    }

    @Test func `What it asks of the server is in its fields`() async throws {
        let server = ModelServer()
        var options = DurableStream.ProducerOptions(contentType: "text/plain; charset=utf-8")
        options.timeToLive = .milliseconds(1500)
        options.lease = .seconds(7)
        options.identity = .init(id: "me", epoch: 2)
        let producer = try server.stream { $0 = .init(bearerToken: "secret") }.producer(options)
        try await producer.append("a")
        try await producer.end(.failed, detail: " why\n" + String(repeating: "é", count: 1000))
        let requests = server.now.requests
        let create = try #require(requests.first)
        #expect(create.method == "PUT")
        #expect(create.field("Content-Type") == "text/plain; charset=utf-8")
        #expect(create.field("Stream-TTL") == "2")
        #expect(create.field("Stream-Lease") == "7")
        #expect(create.field("Producer-Id") == nil)
        for (sequence, request) in requests.dropFirst().enumerated() {
            #expect(request.field("Producer-Id") == "me")
            #expect(request.field("Producer-Epoch") == "2")
            #expect(request.field("Producer-Seq") == "\(sequence)")
        }
        #expect(requests.allSatisfy { $0.field("Authorization") == "Bearer secret" })
        let end = try #require(requests.last)
        #expect(end.field("Stream-Closed") == "true")
        #expect(end.field("Stream-End-Reason") == "failed")
        #expect(end.field("Stream-End-Detail") == "why " + String(repeating: "é", count: 509))
        #expect(end.body == nil)
    }

    @Test func `Options that no server would take are refused before anything is sent`() throws {
        let server = ModelServer()
        let changes: [(inout DurableStream.ProducerOptions) -> Void] = [
            { $0.identity = .init(id: "", epoch: 0) }, { $0.identity = .init(id: "a\n", epoch: 0) },
            { $0.identity = .init(id: "a", epoch: -1) }, { $0.identity = .init(id: "a", epoch: 1 << 53) },
            { $0.maximumPendingBytes = 0 }, { $0.maximumBatchBytes = 0 }, { $0.maximumBatchEvents = 0 },
        ]
        for change in changes {
            var options = DurableStream.ProducerOptions()
            change(&options)
            #expect { try server.stream().producer(options) } throws: { code($0) == .invalidRequest }
        }
        #expect { try DurableStream(url: "ftp://h/s").producer() } throws: { code($0) == .invalidURL }
        #expect(server.now.requests.isEmpty)
    }
}
