import EventSource
import Testing

@testable import DurableStream

private typealias Transport = ScriptedTransport

private func code(_ error: any Error) -> DurableStreamError.Code? { (error as? DurableStreamError)?.code }

@Suite(.timeLimit(.minutes(5))) struct HandleTests {
    @Test func `A stream is created with what was asked, and found by a repetition`() async throws {
        let transport = Transport { index, _ in
            if index == 0 { throw cut }
            return Transport.response(
                index == 1 ? 201 : 200,
                ["Stream-Next-Offset": "3", "content-type": "text/plain", "Stream-TTL": "60", "Stream-Lease": "5"]
            )
        }
        let stream = transport.stream()
        let creation = try await stream.create(
            contentType: "text/plain",
            timeToLive: .seconds(60),
            lease: .milliseconds(4001),
            body: [1, 2]
        )
        #expect(creation.isNew)
        #expect(creation.info.nextOffset == .init(rawValue: "3"))
        #expect(creation.info.contentType == "text/plain")
        #expect(creation.info.timeToLive == .seconds(60))
        #expect(creation.info.lease == .seconds(5))
        #expect(creation.info.end == nil)
        for request in transport.requests {
            #expect(request.method == "PUT")
            #expect(request.body == [1, 2])
            #expect(request.field("Stream-TTL") == "60")
            #expect(request.field("Stream-Lease") == "5")
        }
        #expect(try await !stream.create(contentType: "text/plain", expiresAt: "2030-01-01T00:00:00Z").isNew)
        #expect(transport.requests.last?.field("Stream-Expires-At") == "2030-01-01T00:00:00Z")
    }

    @Test func `What a stream is, is told without its bytes`() async throws {
        let transport = Transport { _, _ in
            Transport.response(
                200,
                [
                    "Stream-Next-Offset": "9", "Stream-Earliest-Offset": "4",
                    "Stream-Expires-At": "2030-01-01T00:00:00Z",
                    "Stream-Closed": "true", "Stream-End-Reason": "cancelled",
                ]
            )
        }
        let info = try await transport.stream().head()
        #expect(info.nextOffset == .init(rawValue: "9"))
        #expect(info.earliestOffset == .init(rawValue: "4"))
        #expect(info.expiresAt == "2030-01-01T00:00:00Z")
        #expect(info.end == .init(reason: .cancelled))
        #expect(transport.requests.map(\.method) == ["HEAD"])
    }

    @Test func `Deleting what was deleted by a request without an answer is success`() async throws {
        let lost = Transport { index, _ in
            if index == 0 { throw cut }
            return Transport.response(404)
        }
        try await lost.stream().delete()
        #expect(lost.requests.map(\.method) == ["DELETE", "DELETE"])
        let missing = Transport { _, _ in Transport.response(404) }
        await #expect { try await missing.stream().delete() } throws: { code($0) == .notFound }
        try await Transport { _, _ in Transport.response(204) }.stream().delete()
    }

    @Test func `A cancel tells how the stream ended`() async throws {
        let transport = Transport { _, _ in
            Transport.response(
                204,
                ["Stream-Next-Offset": "9", "Stream-Closed": "true", "Stream-End-Reason": "done"]
            )
        }
        #expect(try await transport.stream().cancel() == .init(reason: .done))
        #expect(transport.requests.first?.field("Stream-Cancel") == "true")
        let ignoring = Transport { _, _ in Transport.response(204, ["Stream-Next-Offset": "9"]) }
        await #expect { try await ignoring.stream().cancel() } throws: { code($0) == .invalidResponse }
    }

    @Test(arguments: [
        (400, DurableStreamError.Code.refused), (401, .unauthorized), (403, .unauthorized), (404, .notFound),
        (409, .conflict), (410, .gone), (501, .refused), (301, .refused),
    ])
    func `A refusal is thrown in the server's words, and not repeated`(status: Int, expected: DurableStreamError.Code)
        async
    {
        let transport = Transport { _, _ in
            Transport.response(status, ["Location": "http://elsewhere/"], [#"{"title":"No","detail":"because"}"#])
        }
        await #expect {
            try await transport.stream().create(contentType: "text/plain")
        } throws: { error in
            guard let error = error as? DurableStreamError else { return false }
            return error.code == expected && error.status == status
                && error.message.contains(status == 301 ? "elsewhere" : "No: because")
        }
        #expect(transport.requests.count == 1)
    }

    @Test func `What may pass is repeated until the patience is over`() async throws {
        let passing = Transport { index, _ in
            index < 2
                ? Transport.response(503, ["Retry-After": "0"]) : Transport.response(200, ["Stream-Next-Offset": "1"])
        }
        #expect(try await passing.stream().head().nextOffset == .init(rawValue: "1"))
        for status in [503, nil] as [Int?] {
            let failing = Transport { _, _ in
                guard let status else { throw cut }
                return Transport.response(status)
            }
            await #expect {
                _ = try await failing.stream { $0.patience = .zero }.head()
            } throws: { error in
                code(error) == .unreachable && (error as? DurableStreamError)?.status == status
            }
        }
    }

    @Test func `A response that does not come is left after its time`() async throws {
        let transport = Transport { index, _ in
            if index == 0 { return try await Transport.never() }
            // Its head comes, and its body does not end.
            if index == 1 { return Transport.response(200, ["Stream-Next-Offset": "1"], ["x"], end: nil) }
            return Transport.response(200, ["Stream-Next-Offset": "2"])
        }
        let info = try await transport.stream { $0.responseTimeout = .milliseconds(20) }.head()
        #expect(info.nextOffset == .init(rawValue: "2"))
    }

    @Test func `Something else that answers is no stream, and a URL may be none`() async throws {
        let foreign = Transport { _, _ in Transport.response(200, ["Content-Type": "text/html"]) }
        await #expect { _ = try await foreign.stream().head() } throws: { code($0) == .invalidResponse }
        for url in ["", "stream", "file:///etc", "http://", "http://h:99999/s"] {
            await #expect { _ = try await DurableStream(url: url).head() } throws: { code($0) == .invalidURL }
        }
    }

    @Test func `A task that is cancelled waits for nothing`() async {
        let gate = Gate()
        let transport = Transport { _, _ in
            gate.open()
            await gate.pass()
            return try await Transport.never()
        }
        let stream = transport.stream()
        let asking = Task { try await stream.head() }
        await gate.arrival()
        asking.cancel()
        await #expect(throws: CancellationError.self) { try await asking.value }
    }

    @Test func `Offsets sort as their stream does, between its start and now`() {
        let offsets: [DurableStream.Offset] = [
            .start, .init(rawValue: "0Q"), .init(rawValue: "0Qa"), .init(rawValue: "z"), .now,
        ]
        #expect(offsets.reversed().sorted() == offsets)
        for offset in offsets { #expect(!(offset < offset)) }
    }
}
