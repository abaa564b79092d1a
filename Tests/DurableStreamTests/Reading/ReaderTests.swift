import EventSource
import Locks
import Testing

@testable import DurableStream

private typealias Transport = ScriptedTransport

private func code(_ error: any Error) -> DurableStreamError.Code? { (error as? DurableStreamError)?.code }

private func text(_ chunk: DurableStream.Chunk) -> String { String(decoding: chunk.bytes, as: UTF8.self) }

@Suite(.timeLimit(.minutes(5))) struct ReaderTests {
    @Test func `Pages follow each other to the tail, each with where to go on`() async throws {
        let transport = Transport { index, _ in
            switch index {
            case 0: Transport.page("5", ["he", "", "llo"])
            case 1: Transport.page("9", [" you"])
            default: Transport.page("9", [], isLast: true)
            }
        }
        let chunks = try await transport.read(live: .never)
        #expect(chunks.map(text) == ["hello", " you", ""])
        #expect(chunks.map(\.nextOffset.rawValue) == ["5", "9", "9"])
        #expect(chunks.map(\.isUpToDate) == [false, false, true])
        #expect(chunks.allSatisfy { $0.end == nil })
        #expect(transport.queries == ["limit=10000&offset=-1", "limit=10000&offset=5", "limit=10000&offset=9"])
        #expect(transport.requests.allSatisfy { $0.method == "GET" && $0.field("Accept-Encoding") == "identity" })
    }

    @Test func `An offset that was kept is gone on from, and one that was not made for URLs is escaped`() async throws {
        let transport = Transport { _, _ in Transport.page("z", ["x"], isLast: true) }
        _ = try await transport.read(from: .init(rawValue: "a b&c"), live: .never) { $0.pageEvents = nil }
        #expect(transport.queries == ["offset=a%20b%26c"])
    }

    @Test(arguments: 0...8)
    func `A torn body is asked for again, and nothing of it is shown`(kept: Int) async throws {
        let transport = Transport { index, _ in
            switch index {
            case 0: Transport.page("8", [String("abcdefgh".prefix(kept))], end: .failure(cut))
            case 1: throw cut
            default: Transport.page("8", ["abcdefgh"], isLast: true)
            }
        }
        let chunks = try await transport.read(live: .never)
        #expect(chunks.map(text) == ["abcdefgh"])
        #expect(transport.queries == Array(repeating: "limit=10000&offset=-1", count: 3))
    }

    @Test(arguments: [408, 425, 429, 500, 502, 503, 504])
    func `A refusal that may pass is waited for`(status: Int) async throws {
        let transport = Transport { index, _ in
            index < 3 ? Transport.response(status) : Transport.page("1", ["a"], isLast: true)
        }
        #expect(try await transport.read(live: .never).map(text) == ["a"])
        await #expect {
            _ = try await Transport { _, _ in Transport.response(status) }.read { $0.givesUpAfter = .zero }
        } throws: { error in
            code(error) == .unreachable && (error as? DurableStreamError)?.status == status
        }
    }

    @Test(arguments: [
        (400, DurableStreamError.Code.refused), (401, .unauthorized), (403, .unauthorized), (404, .notFound),
        (410, .gone),
        (302, .refused), (304, .refused), (418, .refused), (505, .refused),
    ])
    func `Any other refusal is thrown, with what the server says`(status: Int, expected: DurableStreamError.Code) async
    {
        let transport = Transport { _, _ in
            Transport.response(
                status,
                ["Stream-Earliest-Offset": "5", "Location": "http://elsewhere/"],
                [#"{"type":"urn:freshet:a-code","title":"No","detail":"because"}"#]
            )
        }
        await #expect {
            _ = try await transport.read()
        } throws: { error in
            guard let error = error as? DurableStreamError else { return false }
            return error.code == expected && error.status == status && error.problem == "a-code"
                && error.message.contains(status < 400 ? "elsewhere" : "because")
                && error.earliestOffset == .init(rawValue: "5")
        }
        #expect(transport.requests.count == 1)
    }

    @Test func `A response that no stream gives is told, and nothing of it is shown`() async {
        let json = "application/json"
        for (response, expected) in [
            (
                Transport.response(200, ["Content-Type": "text/html"], ["<html>"]),
                DurableStreamError.Code.invalidResponse
            ),
            (Transport.page("now", ["a"]), .invalidResponse), (Transport.page("", ["a"]), .invalidResponse),
            (Transport.page("1", ["[1,"], type: json), .invalidResponse),
            (Transport.page("1", [""], type: json), .invalidResponse),
            (Transport.page("1", ["1\n{"], type: "application/x-ndjson"), .invalidResponse),
            (Transport.page("1", ["12345", "67890", "1"]), .limitExceeded), (Transport.response(204), .invalidResponse),
        ] {
            await #expect {
                _ = try await Transport { _, _ in response }.read { $0.maximumChunkBytes = 10 }
            } throws: { code($0) == expected }
        }
        var coded = Transport.page("1", ["a"])
        coded.headers.append((name: "Content-Encoding", value: "gzip"))
        let response = coded
        await #expect { _ = try await Transport { _, _ in response }.read() } throws: { code($0) == .contentEncoding }
    }

    @Test func `Credentials are made for each attempt, and once more after a 401`() async throws {
        let attempts = Mutex<[DurableStream.Attempt]>([])
        let transport = Transport { _, request in
            request.field("Authorization") == "fresh"
                ? Transport.page("1", ["a"], isLast: true) : Transport.response(401)
        }
        let stream = transport.stream {
            $0.headers = [("Authorization", "old"), ("X-Mine", "1"), ("Stream-Closed", "true")]
            $0.headersForAttempt = { attempt in
                attempts.withLock { $0.append(attempt) }
                return [("authorization", attempt.isAfter401 ? "fresh" : "stale")]
            }
        }
        for try await chunk in stream.read(.init(live: .never)) { #expect(text(chunk) == "a") }
        #expect(
            attempts.withLock { $0 } == [
                .init(method: "GET", isAfter401: false), .init(method: "GET", isAfter401: true),
            ]
        )
        #expect(transport.requests.map { $0.field("Authorization") } == ["stale", "fresh"])
        #expect(transport.requests.allSatisfy { $0.field("X-Mine") == "1" && $0.field("Stream-Closed") == nil })
    }

    @Test func `Credentials that stay the same are not tried twice, and those that fail are waited for`() async throws {
        struct NoNetwork: Error, CustomStringConvertible { let description = "no network" }
        let refusing = Transport { _, _ in Transport.response(401) }
        let same = refusing.stream { $0.headersForAttempt = { _ in [("Authorization", "same")] } }
        await #expect { for try await _ in same.read() {} } throws: { code($0) == .unauthorized }
        #expect(refusing.requests.count == 1)

        let calls = Mutex(0)
        let transport = Transport { _, _ in Transport.page("1", ["a"], isLast: true) }
        let failing = transport.stream {
            $0.headersForAttempt = { _ in
                let call = calls.withLock { calls in
                    calls += 1
                    return calls
                }
                if call < 3 { throw NoNetwork() }
                return []
            }
        }
        for try await chunk in failing.read(.init(live: .never)) { #expect(text(chunk) == "a") }
        #expect(transport.requests.count == 1)
        #expect(calls.withLock { $0 } == 3)
    }

    @Test func `A URL or a header field that cannot be sent is told at once`() async {
        await #expect {
            for try await _ in DurableStream(url: "nowhere").read() {}
        } throws: { code($0) == .invalidURL }
        let transport = Transport { _, _ in Transport.page("1", []) }
        let stream = transport.stream { $0.headers = [("X-Bad", "a\nb")] }
        await #expect { for try await _ in stream.read() {} } throws: { code($0) == .invalidRequest }
        #expect(transport.requests.isEmpty)
    }
}
