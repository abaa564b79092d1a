import Locks
import NIOCore
import NIOHTTP1
import ScriptedServer
import ServerSentEvents
import Testing

@testable import EventSource

private typealias Machine = ReconnectMachine<SystemRandomNumberGenerator>

/// Header fields that are made for each attempt: the machine's decisions, then real sockets.
@Suite struct AttemptHeadersTests {
    private let stream = ResponseHead(status: 200, contentType: "text/event-stream")
    private let unauthorized = ResponseHead(status: 401)

    private func machine(_ change: (inout EventSource.Configuration) -> Void = { _ in }) throws -> Machine {
        var configuration = EventSource.Configuration()
        configuration.headersForAttempt = { _ in [] }
        change(&configuration)
        return try Machine(url: "http://host/s", configuration: configuration, random: SystemRandomNumberGenerator())
    }

    private func token(_ value: String) -> [HeaderField] { [HeaderField(name: "Authorization", value: value)] }

    private func status(_ action: Machine.HeadAction) -> Int? {
        guard case .leave(.fail(let error)) = action, error.code == .status else { return nil }
        return error.status
    }

    @Test func `An attempt tells its number, the id it continues after, and whether the last was refused`() throws {
        var machine = try machine { $0.lastEventID = "7" }
        #expect(machine.attempt == .init(number: 1, isAfter401: false, lastEventID: "7"))
        _ = machine.connect(with: token("old"))
        let action = machine.received(unauthorized, at: .zero)
        #expect(action == .renew)
        #expect(machine.attempt == .init(number: 2, isAfter401: true, lastEventID: "7"))
        guard case .send(let request) = machine.connect(with: token("new")) else {
            Issue.record("not sent")
            return
        }
        #expect(request.made == token("new"))
        _ = machine.received(stream, at: .zero)
        _ = machine.disconnected(.endOfBody, at: .zero)
        #expect(machine.attempt == .init(number: 3, isAfter401: false, lastEventID: "7"))
    }

    @Test func `A 401 to fresh fields is final, and so is the first if the same fields are made again`() throws {
        var machine = try machine()
        _ = machine.connect(with: token("a"))
        _ = machine.received(unauthorized, at: .zero)
        _ = machine.connect(with: token("b"))
        let second = machine.received(unauthorized, at: .zero)
        #expect(status(second) == 401)

        machine = try self.machine()
        _ = machine.connect(with: token("a"))
        _ = machine.received(unauthorized, at: .zero)
        guard case .leave(.fail(let error)) = machine.connect(with: token("a")) else {
            Issue.record("sent again")
            return
        }
        #expect(error.code == .status && error.status == 401)
    }

    @Test func `After a wait a 401 asks for fresh fields again, so a token may expire over and over`() throws {
        var machine = try machine()
        for round in 0..<3 {
            _ = machine.connect(with: token("stale \(round)"))
            let action = machine.received(unauthorized, at: .zero)
            #expect(action == .renew)
            _ = machine.connect(with: token("fresh \(round)"))
            if round == 1 {
                _ = machine.received(ResponseHead(status: 503), at: .zero)
            } else {
                _ = machine.received(stream, at: .zero)
                _ = machine.disconnected(.failed("cut"), at: .zero)
            }
        }
    }

    @Test func `Without such fields, from another origin, or for a POST that was acted on, a 401 is final`() throws {
        var machine = try machine { $0.headersForAttempt = nil }
        _ = machine.connect()
        let plain = machine.received(unauthorized, at: .zero)
        #expect(status(plain) == 401)

        machine = try self.machine()
        _ = machine.connect(with: token("a"))
        _ = machine.received(ResponseHead(status: 302, location: "http://elsewhere/"), at: .zero)
        let elsewhere = machine.received(unauthorized, at: .zero)
        #expect(status(elsewhere) == 401)

        machine = try self.machine { $0.method = "POST" }
        _ = machine.connect(with: token("a"))
        _ = machine.received(ResponseHead(status: 303, location: "/answer"), at: .zero)
        let answered = machine.received(unauthorized, at: .zero)
        #expect(status(answered) == 401)

        machine = try self.machine { $0.method = "POST" }
        _ = machine.connect(with: token("a"))
        let refused = machine.received(unauthorized, at: .zero)
        #expect(refused == .renew)
    }

    @Test func `Fields that cannot be made are waited for, with backoff, and a refusal is not forgotten`() throws {
        var machine = try machine()
        _ = machine.connect(with: token("a"))
        _ = machine.received(unauthorized, at: .zero)
        for attempt in 1...3 {
            guard case .wait(let reconnection) = machine.headersFailed("no network", at: .zero) else {
                Issue.record("no wait")
                return
            }
            #expect(reconnection.reason == .headersFailed("no network"))
            #expect(reconnection.attempt == attempt)
            #expect(machine.attempt.number == 2 + attempt)
            #expect(machine.attempt.isAfter401)
        }
    }

    @Test func `Fields that HTTP cannot carry are final`() throws {
        var machine = try machine()
        guard case .leave(.fail(let error)) = machine.connect(with: token("a\nb")) else {
            Issue.record("sent")
            return
        }
        #expect(error.code == .invalidRequest)
    }

    @Test func `Made fields take the place of those of the same name, and stay with their origin`() {
        var configuration = EventSource.Configuration()
        configuration.headers = [("authorization", "old"), ("X-Mine", "1")]
        let made = [HeaderField(name: "Authorization", value: "new"), HeaderField(name: "Accept", value: "x/y")]
        var request = StreamRequest(url: "", lastEventID: "", sendsCredentials: true, made: made)
        let own = ["Accept", "Accept-Encoding", "Cache-Control"]
        #expect(request.fields(configuration).map(\.name) == ["X-Mine", "Authorization"] + own)
        #expect(request.fields(configuration)[1].value == "new")
        request.sendsCredentials = false
        #expect(request.fields(configuration).map(\.name) == ["X-Mine"] + own)
    }

    // MARK: Real sockets

    private func quick(
        _ make: @escaping @Sendable (EventSource.Attempt) async throws -> [(name: String, value: String)]
    ) -> EventSource.Configuration {
        var configuration = EventSource.Configuration()
        configuration.reconnectionTime = .milliseconds(5)
        configuration.headersForAttempt = make
        return configuration
    }

    @Test(arguments: TransportUnderTest.allCases)
    func `A token that expires is renewed, and the stream goes on where it was`(transport: TransportUnderTest)
        async throws
    {
        let attempts = Mutex<[EventSource.Attempt]>([])
        try await ScriptedServer.run { index, request in
            guard request.headers.first(name: "Authorization") == (index < 2 ? "0" : "2") else {
                return .init(401, body: "expired")
            }
            return index == 4 ? .init(204) : .events("id: \(index)\ndata: \(index)\n\n")
        } _: { server in
            let configuration = quick { attempt in
                let renewals = attempts.withLock { attempts in
                    attempts.append(attempt)
                    return attempts.count { $0.isAfter401 }
                }
                return [("Authorization", renewals == 0 ? "0" : "2")]
            }
            var data: [String] = []
            for try await element in transport.source(server.origin, configuration) {
                if case .event(let event) = element { data.append(event.data) }
            }
            // The third request was refused, and asked again at once.
            #expect(data == ["0", "1", "3"])
            #expect(server.requests.count == 5)
            #expect(
                attempts.withLock { $0 } == [
                    .init(number: 1, isAfter401: false, lastEventID: ""),
                    .init(number: 2, isAfter401: false, lastEventID: "0"),
                    .init(number: 3, isAfter401: false, lastEventID: "1"),
                    .init(number: 4, isAfter401: true, lastEventID: "1"),
                    .init(number: 5, isAfter401: false, lastEventID: "3"),
                ]
            )
        }
    }

    @Test(arguments: TransportUnderTest.allCases, [true, false])
    func `A server that accepts no token gets two requests at most, and its words are told`(
        transport: TransportUnderTest,
        isFresh: Bool
    )
        async throws
    {
        try await ScriptedServer.run { _, _ in
            .init(401, body: "who are you")
        } _: { server in
            let configuration = quick { [("Authorization", isFresh ? "\($0.number)" : "same")] }
            await #expect {
                for try await _ in transport.source(server.origin, configuration) {}
            } throws: { error in
                let error = error as? EventSourceError
                return error?.status == 401 && error?.body == "who are you"
            }
            #expect(server.requests.count == (isFresh ? 2 : 1))
        }
    }

    @Test(arguments: TransportUnderTest.allCases)
    func `What making fields throws is told, and the next attempt makes them again`(transport: TransportUnderTest)
        async throws
    {
        struct NoNetwork: Error, CustomStringConvertible { let description = "no network" }
        try await ScriptedServer.run { _, _ in
            .init(204)
        } _: { server in
            let configuration = quick { attempt in
                if attempt.number < 3 { throw NoNetwork() }
                return [("X-Mine", "1")]
            }
            var reasons: [EventSource.Reconnection.Reason] = []
            for try await element in transport.source(server.origin, configuration) {
                if case .reconnecting(let reconnection) = element { reasons.append(reconnection.reason) }
            }
            #expect(reasons == [.headersFailed("no network"), .headersFailed("no network")])
            #expect(server.requests.map { $0.headers["X-Mine"] } == [["1"]])
        }
    }
}
