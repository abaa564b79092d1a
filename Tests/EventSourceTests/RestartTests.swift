import NIOCore
import NIOHTTP1
import ScriptedServer
import ServerSentEvents
import Testing

@testable import EventSource

private typealias Machine = ReconnectMachine<SystemRandomNumberGenerator>

/// Restarts that the program asks for: the machine's decisions, then real sockets.
@Suite struct RestartTests {
    private let stream = ResponseHead(status: 200, contentType: "text/event-stream")

    private func quick(_ change: (inout EventSource.Configuration) -> Void = { _ in }) -> EventSource.Configuration {
        var configuration = EventSource.Configuration()
        configuration.reconnectionTime = .milliseconds(5)
        change(&configuration)
        return configuration
    }

    private func attempt(_ next: Machine.Next) -> Int? {
        guard case .wait(let reconnection) = next, reconnection.reason == .restarted else { return nil }
        return reconnection.attempt
    }

    @Test func `It is waited as after a cut: anew after a connection that did its work, longer after others`() throws {
        var machine = try Machine(url: "http://h/", configuration: quick(), random: SystemRandomNumberGenerator())
        for attempts in [[1, 1], [2, 3]] {
            for expected in attempts {
                _ = machine.connect()
                _ = machine.received(stream, at: .zero)
                if attempts == [1, 1] {
                    var elements: [EventSource.Element] = []
                    _ = Array("id: 7\ndata: x\n\n".utf8).withUnsafeBytes {
                        machine.received($0, at: .zero, into: &elements)
                    }
                }
                let next = machine.restarted(at: .zero)
                #expect(attempt(next) == expected)
            }
        }
        let request = machine.connect()
        #expect(request.lastEventID == "7")
        let next = machine.restarted(at: .zero)
        #expect(attempt(next) == 4)
    }

    @Test func `A POST that is not repeated after a cut is repeated when that is asked for`() throws {
        let configuration = quick { $0.method = "POST" }
        var machine = try Machine(url: "http://h/", configuration: configuration, random: SystemRandomNumberGenerator())
        _ = machine.connect()
        _ = machine.received(stream, at: .zero)
        let next = machine.restarted(at: .zero)
        #expect(attempt(next) == 1)
        let request = machine.connect()
        #expect(request.method == "POST")
    }

    // MARK: Real sockets

    @Test(arguments: TransportUnderTest.allCases, [true, false])
    func `A restart reads on over a new connection, after what was read before`(
        transport: TransportUnderTest,
        hasIdleTimeout: Bool
    ) async throws {
        try await ScriptedServer.run { index, _ in
            index < 3 ? .events("id: \(index)\ndata: \(index)\n\n", end: .stall) : .init(204)
        } _: { server in
            let source = transport.source(server.origin, quick { if !hasIdleTimeout { $0.idleTimeout = nil } })
            let copy = source
            var data: [String] = []
            var reasons: [EventSource.Reconnection.Reason] = []
            for try await element in source {
                if case .reconnecting(let reconnection) = element { reasons.append(reconnection.reason) }
                if case .event(let event) = element {
                    data.append(event.data)
                    copy.restart()
                }
            }
            #expect(data == ["0", "1", "2"])
            #expect(reasons == [.restarted, .restarted, .restarted])
            #expect(server.requests.map { $0.headers.first(name: "Last-Event-ID") } == [nil, "0", "1", "2"])
        }
    }

    @Test(arguments: TransportUnderTest.allCases)
    func `A restart ends a wait, however long it is`(transport: TransportUnderTest) async throws {
        try await ScriptedServer.run { index, _ in
            index == 0 ? .init(503, [("Retry-After", "3600")]) : .init(204)
        } _: { server in
            let source = transport.source(server.origin, quick())
            for try await element in source {
                if case .reconnecting(let reconnection) = element {
                    #expect(reconnection.delay == .seconds(3600))
                    source.restart()
                }
            }
            #expect(server.requests.count == 2)
        }
    }

    @Test(arguments: TransportUnderTest.allCases)
    func `A restart ends one wait, also if no fields can be made for the attempt after it`(
        transport: TransportUnderTest
    ) async throws {
        struct NoNetwork: Error {}
        let (calls, call) = AsyncStream.makeStream(of: Int.self)
        try await ScriptedServer.run { _, _ in
            .init(204)
        } _: { server in
            let source = transport.source(
                server.origin,
                quick {
                    $0.reconnectionTime = .seconds(3600)
                    $0.headersForAttempt = { attempt in
                        call.yield(attempt.number)
                        throw NoNetwork()
                    }
                }
            )
            let reader = Task {
                var isFirst = true
                for try await element in source {
                    if case .reconnecting = element, isFirst { source.restart() }
                    isFirst = false
                }
            }
            var numbers = calls.makeAsyncIterator()
            #expect(await numbers.next() == 1)
            #expect(await numbers.next() == 2)
            // A third attempt would come at once: much else happens meanwhile.
            for _ in 0..<5 {
                for try await _ in transport.source(server.origin, quick()) {}
            }
            call.yield(0)
            #expect(await numbers.next() == 0)
            reader.cancel()
            try await reader.value
        }
    }

    @Test(arguments: TransportUnderTest.allCases)
    func `A restart abandons an attempt that is not answered`(transport: TransportUnderTest) async throws {
        try await ScriptedServer.run { index, _ in
            .init(204, delay: index == 0 ? .hours(1) : .zero)
        } _: { server in
            let source = transport.source(server.origin, quick { $0.responseTimeout = .seconds(3600) })
            let reader = Task {
                var elements: [EventSource.Element] = []
                for try await element in source { elements.append(element) }
                return elements
            }
            await server.arrived(1)
            source.restart()
            let elements = try await reader.value
            #expect(elements.count == 1)
            guard case .reconnecting(let reconnection) = elements.first else {
                Issue.record("\(elements)")
                return
            }
            #expect(reconnection.reason == .restarted)
            #expect(server.requests.count == 2)
        }
    }

    @Test(arguments: TransportUnderTest.allCases)
    func `Every iteration is restarted, and one that has ended is left alone`(transport: TransportUnderTest)
        async throws
    {
        try await ScriptedServer.run { index, _ in
            index < 3 ? .events("data: x\n\n", end: .stall) : .init(204)
        } _: { server in
            let source = transport.source(server.origin, quick())
            for try await element in source { if case .event = element { break } }
            // Its connection is gone: nothing of it comes back.
            source.restart()
            let readers = (0..<2).map { _ in
                Task { for try await _ in source {} }
            }
            await server.arrived(3)
            source.restart()
            for reader in readers { try await reader.value }
            #expect(server.requests.count == 5)
        }
    }

    @Test func `A signal that was asked for before anybody waits is not lost, and is taken once`() async throws {
        let signal = RestartSignal()
        signal.ask()
        await signal.asked()
        let interrupted: Void? = try await signal.interrupting { try await Task.sleep(for: .seconds(3600)) }
        #expect(interrupted == nil)
        #expect(signal.take())
        #expect(!signal.take())
        let done = try await signal.interrupting { 1 }
        #expect(done == 1)
    }

    @Test func `Work that is interrupted by the cancellation of its task says so`() async {
        let signal = RestartSignal()
        let task = Task { try await signal.interrupting { try await Task.sleep(for: .seconds(3600)) } }
        task.cancel()
        await #expect(throws: CancellationError.self) { try await task.value }
    }
}
