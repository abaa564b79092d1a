import Locks
import ServerSentEvents
import Testing

@testable import EventSource

/// A transport that is none of ours.
@Suite struct OtherTransportTests {
    /// Answers each request by a rule, and keeps the requests.
    private final class Scripted: EventSourceTransport {
        typealias Body = AsyncThrowingStream<[UInt8], any Error>

        private let sent = Mutex<[EventSourceRequest]>([])
        private let answer: @Sendable (Int) async throws -> EventSourceResponse<Body>

        init(_ answer: @escaping @Sendable (Int) async throws -> EventSourceResponse<Body>) {
            self.answer = answer
        }

        var requests: [EventSourceRequest] { sent.withLock { $0 } }

        func send(_ request: EventSourceRequest) async throws -> EventSourceResponse<Body> {
            let index = sent.withLock { sent in
                sent.append(request)
                return sent.count - 1
            }
            return try await answer(index)
        }

        static func response(
            _ status: Int,
            _ headers: [(name: String, value: String)] = [("content-type", "text/event-stream")],
            body chunks: [String] = [],
            error: (any Error)? = nil
        ) -> EventSourceResponse<Body> {
            let body = Body { body in
                for chunk in chunks { body.yield(Array(chunk.utf8)) }
                body.finish(throwing: error)
            }
            return EventSourceResponse(status: status, headers: headers, body: body)
        }
    }

    private func read(_ transport: Scripted, _ change: (inout EventSource.Configuration) -> Void = { _ in })
        async throws -> (data: [String], reasons: [EventSource.Reconnection.Reason])
    {
        var configuration = EventSource.Configuration()
        configuration.reconnectionTime = .milliseconds(1)
        configuration.maximumBackoff = .milliseconds(5)
        change(&configuration)
        var data: [String] = []
        var reasons: [EventSource.Reconnection.Reason] = []
        for try await element in EventSource(url: "http://h/s", configuration: configuration, transport: transport) {
            if case .event(let event) = element { data.append(event.data) }
            if case .reconnecting(let reconnection) = element { reasons.append(reconnection.reason) }
        }
        return (data, reasons)
    }

    @Test func `It is asked for all that is sent, and its chunks are events wherever they are cut`() async throws {
        let transport = Scripted { index in
            index == 0
                ? Scripted.response(
                    200,
                    [("CONTENT-TYPE", "text/event-stream")],
                    body: ["id: 1\nda", "ta: x\n\ndata: y\n", "\n"]
                )
                : Scripted.response(204)
        }
        let (data, reasons) = try await read(transport) {
            $0.method = "REPORT"
            $0.body = [7]
            $0.headers = [("X-Mine", "1")]
            $0.repeatsRequest = true
        }
        #expect(data == ["x", "y"])
        #expect(reasons == [.endOfBody])
        #expect(transport.requests.map(\.url) == ["http://h/s", "http://h/s"])
        #expect(transport.requests.map(\.method) == ["REPORT", "REPORT"])
        #expect(transport.requests.map(\.body) == [[7], [7]])
        let first = transport.requests.first?.headers.map { "\($0.name): \($0.value)" }
        #expect(
            first == [
                "X-Mine: 1", "Accept: text/event-stream", "Accept-Encoding: identity", "Cache-Control: no-cache",
            ]
        )
        #expect(transport.requests.last?.headers.last?.value == "1")
    }

    @Test func `Redirects are followed above it, and it sees no credentials for another origin`() async throws {
        let transport = Scripted { index in
            switch index {
            case 0: Scripted.response(302, [("Location", "http://elsewhere/t")])
            default: Scripted.response(204)
            }
        }
        _ = try await read(transport) { $0.headers = [("Authorization", "k"), ("X-Mine", "1")] }
        #expect(transport.requests.map(\.url) == ["http://h/s", "http://elsewhere/t"])
        #expect(transport.requests.map { $0.headers.contains { $0.name == "Authorization" } } == [true, false])
        #expect(transport.requests.map { $0.headers.contains { $0.name == "X-Mine" } } == [true, true])
    }

    @Test func `A POST is sent again only while nobody can have had it`() async throws {
        let transport = Scripted { index in
            if index < 2 { throw EventSourceTransportError("no route", isUnsent: true) }
            throw EventSourceTransportError("cut")
        }
        await #expect {
            _ = try await read(transport) { $0.method = "POST" }
        } throws: { error in
            let error = error as? EventSourceError
            return error?.code == .notRepeated && error?.message.contains("cut") == true
        }
        #expect(transport.requests.count == 3)
    }

    @Test func `A cut body is told in its words, and read on after the last event`() async throws {
        let transport = Scripted { index in
            switch index {
            case 0:
                Scripted.response(200, body: ["id: 5\ndata: x\n\ndata: lost"], error: EventSourceTransportError("cut"))
            default: Scripted.response(204)
            }
        }
        let (data, reasons) = try await read(transport)
        #expect(data == ["x"])
        #expect(reasons == [.connectionLost("cut")])
        #expect(transport.requests.last?.headers.last?.value == "5")
    }

    @Test func `A response that does not come is cancelled when its time is over`() async throws {
        let transport = Scripted { index in
            guard index == 0 else { return Scripted.response(204) }
            // It is never told, and so waits until it is cancelled.
            let (never, teller) = AsyncStream.makeStream(of: Void.self)
            for await _ in never {}
            withExtendedLifetime(teller) {}
            throw CancellationError()
        }
        let (_, reasons) = try await read(transport) { $0.responseTimeout = .milliseconds(20) }
        #expect(reasons == [.connectionFailed("no response within 20 ms")])
        #expect(transport.requests.count == 2)
    }

    @Test func `A body that is coded is an error that names the coding`() async throws {
        let transport = Scripted { _ in
            Scripted.response(200, [("Content-Type", "text/event-stream"), ("Content-Encoding", "br")])
        }
        await #expect {
            _ = try await read(transport)
        } throws: { ($0 as? EventSourceError)?.code == .contentEncoding }
    }
}
