import EventSource
import Locks
import Testing

@testable import DurableStream

private typealias Transport = ScriptedTransport

private func code(_ error: any Error) -> DurableStreamError.Code? { (error as? DurableStreamError)?.code }

private func text(_ chunk: DurableStream.Chunk) -> String { String(decoding: chunk.bytes, as: UTF8.self) }

@Suite(.timeLimit(.minutes(5))) struct LiveReaderTests {
    private let failed = DurableStream.End(reason: .failed, detail: "because")

    @Test func `Text is followed by long-poll, with the server's cursor, until it ends`() async throws {
        let transport = Transport { index, _ in
            var response: Transport.Response
            switch index {
            case 0: response = Transport.page("1", ["a"], isLast: true)
            case 1: response = Transport.page("2", ["b\r\nc"], isLast: true)
            default: response = Transport.page("3", ["d"], isClosed: true)
            }
            response.headers.append((name: "Stream-Cursor", value: "c\(index)"))
            return response
        }
        let chunks = try await transport.read()
        #expect(chunks.map(text) == ["a", "b\r\nc", "d"])
        #expect(chunks.map(\.end) == [nil, nil, failed])
        #expect(
            transport.queries == [
                "limit=10000&offset=-1", "cursor=c0&live=long-poll&offset=1", "cursor=c1&live=long-poll&offset=2",
            ]
        )
    }

    @Test func `Values are followed by server-sent events, and the reason of the end is asked for`() async throws {
        let transport = Transport { index, _ in
            switch index {
            case 0: Transport.page("1", [#"[{"n":1}]"#], type: "application/json", isLast: true)
            case 1:
                Transport.events([
                    "event: data\ndata:[2,\ndata:3]\n\nevent: data\nda",
                    "ta:[\"x\"]\n\nevent: control\ndata:{\"streamNextOffset\":\"4\",\"streamCursor\":\"7\"}\n\n",
                    ": beat\n",
                    "event: control\ndata:{\"streamNextOffset\":\"4\",\"upToDate\":true}\n\nevent: data\ndata:[5]\n\n",
                    "event: control\ndata:{\"streamNextOffset\":\"5\",\"streamClosed\":true}\n\n",
                ])
            default: Transport.page("5", ["[]"], type: "application/json", isLast: true, isClosed: true)
            }
        }
        let chunks = try await transport.read()
        let values = chunks.map { $0.values.map { String(decoding: $0, as: UTF8.self) } }
        #expect(values == [[#"{"n":1}"#], ["2", "3", "\"x\""], ["5"], []])
        #expect(chunks.map(text) == [#"[{"n":1}]"#, "[2,3,\"x\"]", "[5]", ""])
        #expect(chunks.map(\.nextOffset.rawValue) == ["1", "4", "5", "5"])
        #expect(chunks.map(\.end) == [nil, nil, nil, failed])
        #expect(transport.queries == ["limit=10000&offset=-1", "live=sse&offset=1", "limit=10000&offset=5"])
    }

    @Test(arguments: 0..<140)
    func `Wherever an event stream is cut, every value arrives once`(place: Int) async throws {
        let batches = (2...3).map { number in
            "event: data\ndata:[\(number)]\n\nevent: control\ndata:{\"streamNextOffset\":\"\(number)\"}\n\n"
        }
        let transport = Transport { index, request in
            if index == 0 { return Transport.page("1", ["[1]"], type: "application/json", isLast: true) }
            if request.url.hasSuffix("limit=10000&offset=4") {
                return Transport.page("4", ["[]"], type: "application/json", isClosed: true)
            }
            let position = Int(request.url.suffix(1)) ?? 0
            let whole = batches.dropFirst(position - 1).joined()
            if index == 1 { return Transport.events([String(whole.prefix(place))], end: .failure(cut)) }
            let end = "event: control\ndata:{\"streamNextOffset\":\"4\",\"streamClosed\":true}\n\n"
            return Transport.events([whole + end])
        }
        let chunks = try await transport.read()
        #expect(chunks.flatMap(\.values).map { String(decoding: $0, as: UTF8.self) } == ["1", "2", "3"])
        #expect(chunks.last?.end == failed)
    }

    @Test func `Bytes in base64 arrive as they were, and lines of JSON as values`() async throws {
        let transport = Transport { index, _ in
            switch index {
            case 0: Transport.page("1", ["{\"a\":1}\n"], type: "application/x-ndjson", isLast: true)
            case 1:
                Transport.events(
                    [
                        "event: data\ndata: MQ\ndata: oiMiIK\n\n",
                        "event: control\ndata: {\"streamNextOffset\":\"2\",\"streamClosed\":true}\n\n",
                    ],
                    base64: true
                )
            default: Transport.response(404)
            }
        }
        let chunks = try await transport.read(live: .serverSentEvents)
        #expect(chunks.map(text) == ["{\"a\":1}\n", "1\n\"2\"\n", ""])
        #expect(chunks.flatMap(\.values).map { String(decoding: $0, as: UTF8.self) } == [#"{"a":1}"#, "1", "\"2\""])
        // It was deleted before it said why it ended.
        #expect(chunks.last?.end == .init(reason: nil))
    }

    @Test func `A server that says that nothing follows, but not why, ends the read without a reason`() async throws {
        let transport = Transport { index, _ in
            index == 1
                ? Transport.events(["event: control\ndata: {\"streamNextOffset\":\"1\",\"streamClosed\":true}\n\n"])
                : Transport.page("1", [index == 0 ? "[1]" : "[]"], type: "application/json", isLast: true)
        }
        let chunks = try await transport.read()
        #expect(chunks.flatMap(\.values).count == 1)
        #expect(chunks.last?.end == .init(reason: nil))
        #expect(transport.requests.count == 3)
    }

    @Test(arguments: [400, 405, 406, 501])
    func `A live mode that the server refuses gives way to the other`(status: Int) async throws {
        for (type, first, second) in [
            ("application/json", "live=sse", "live=long-poll"), ("text/plain", "live=long-poll", "live=sse"),
        ] {
            let transport = Transport { index, request in
                if index == 0 {
                    return Transport.page("1", type == "text/plain" ? ["a"] : ["[1]"], type: type, isLast: true)
                }
                if request.url.contains(first) { return Transport.response(status) }
                if request.url.contains("live=long-poll") {
                    return Transport.page("1", [], type: "text/plain", isClosed: true)
                }
                if request.url.contains("live=sse") {
                    return Transport.events([
                        "event: control\ndata: {\"streamNextOffset\":\"1\",\"streamClosed\":true}\n\n"
                    ])
                }
                return Transport.page("1", [], type: "text/plain", isClosed: true)
            }
            let chunks = try await transport.read()
            #expect(chunks.last?.end == failed)
            #expect(transport.queries[1] == first + "&offset=1")
            #expect(transport.queries[2] == second + "&offset=1")
        }
        let neither = Transport { index, _ in
            index == 0 ? Transport.page("1", ["a"], isLast: true) : Transport.response(status, [:], ["no"])
        }
        await #expect { _ = try await neither.read() } throws: { error in
            (error as? DurableStreamError)?.status == status && "\(error)".contains("no")
        }
        #expect(neither.requests.count == 3)
        let asked = Transport { index, _ in
            index == 0 ? Transport.page("1", ["a"], isLast: true) : Transport.response(status)
        }
        await #expect { _ = try await asked.read(live: .longPoll) } throws: { code($0) == .refused }
        #expect(asked.requests.count == 2)
    }

    @Test func `A read from now begins with the position of the tail, so that nothing after it is missed`() async throws
    {
        let transport = Transport { index, _ in
            switch index {
            case 0: Transport.page("7", [], isLast: true)
            case 1: throw cut
            default: Transport.page("8", ["new"], isClosed: true)
            }
        }
        let chunks = try await transport.read(from: .now)
        #expect(chunks.map(text) == ["", "new"])
        #expect(chunks.first?.nextOffset == .init(rawValue: "7"))
        #expect(
            transport.queries == ["limit=10000&offset=now", "live=long-poll&offset=7", "live=long-poll&offset=7"]
        )
    }

    @Test(arguments: [
        ("event: control\ndata: {}\n\n", DurableStreamError.Code.invalidResponse),
        ("event: control\ndata: {\"streamNextOffset\":\"now\"}\n\n", .invalidResponse),
        ("event: data\ndata: [1\n\n", .invalidResponse), ("event: data\ndata: [12345678901]\n\n", .limitExceeded),
    ])
    func `An event stream that is no live read is told`(body: String, expected: DurableStreamError.Code) async {
        let transport = Transport { index, _ in
            index == 0 ? Transport.page("1", ["[]"], type: "application/json", isLast: true) : Transport.events([body])
        }
        await #expect {
            _ = try await transport.read { $0.maximumChunkBytes = 10 }
        } throws: { code($0) == expected }
    }

    @Test func `A response that is silent is left, and asked for again`() async throws {
        let asked = Mutex<[String: Int]>([:])
        let transport = Transport { _, request in
            let count = asked.withLock { asked in
                asked[request.url, default: 0] += 1
                return asked[request.url, default: 0]
            }
            if request.url.hasSuffix("offset=-1") {
                switch count {
                case 1: return try await Transport.never()
                case 2: return Transport.page("1", ["a"], end: nil)
                default: return Transport.page("1", ["[1]"], type: "application/json", isLast: true)
                }
            }
            if request.url.hasSuffix("live=sse&offset=1") {
                if count == 1 { return Transport.events(["event: data\ndata: [2]\n\n"]) }
                let end = "event: control\ndata: {\"streamNextOffset\":\"2\",\"streamClosed\":true}\n\n"
                return Transport.events([end])
            }
            return Transport.page("2", [], isClosed: true)
        }
        var options = DurableStream.ReadOptions()
        options.liveTimeout = .milliseconds(20)
        var values: [String] = []
        let stream = transport.stream { $0.responseTimeout = .milliseconds(20) }
        for try await chunk in stream.read(options) {
            values += chunk.values.map { String(decoding: $0, as: UTF8.self) }
        }
        #expect(values == ["1"])
        #expect(transport.requests.count >= 6)
    }

    @Test func `A reader that goes away closes its connection`() async throws {
        let (closed, teller) = AsyncStream.makeStream(of: Void.self)
        let gate = Gate()
        gate.open()
        let transport = Transport { index, _ in
            if index == 0 { return Transport.page("1", ["[1]"], type: "application/json", isLast: true) }
            await gate.pass()
            let (body, continuation) = Transport.Body.makeStream()
            continuation.onTermination = { _ in teller.finish() }
            return Transport.Response(status: 200, headers: [("Content-Type", "text/event-stream")], body: body)
        }
        for try await chunk in transport.stream().read() {
            #expect(chunk.values.count == 1)
            await gate.arrival()
            break
        }
        for await _ in closed {}

        let silent = Transport { _, _ in try await Transport.never() }
        let reading = Task {
            var count = 0
            for try await _ in silent.stream().read() { count += 1 }
            return count
        }
        reading.cancel()
        #expect(try await reading.value == 0)
    }
}
