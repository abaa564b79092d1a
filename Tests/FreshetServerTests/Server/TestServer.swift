import Logging
import NIOCore
import StoreSuite
import StreamCore
import StreamHTTP
import Testing

@testable import FreshetServer

/// A whole server on loopback, on a clock that the test moves, and what a test does with it.
struct TestServer {
    let service: FreshetService
    let time: ManualTime
    let port: Int

    var streams: Streams { service.streams }
    /// The field that every request needs.
    var host: String { "Host: localhost:\(port)\r\n" }

    /// Runs a test against a server of its own, which is gone afterwards.
    ///
    /// - Parameter shared: a store that it shares with other servers of the test, and its time.
    static func run(
        _ configure: (inout ServerConfiguration) -> Void = { _ in },
        keys: String? = nil,
        limits: StoreLimits = StoreLimits(),
        gate: StoreGate? = nil,
        routes: [any RouteGroup] = [],
        on shared: SharedMemory? = nil,
        _ body: (TestServer) async throws -> Void
    ) async throws {
        var configuration = ServerConfiguration()
        configuration.port = 0
        configuration.eventLoops = 1
        // Chunks are compared, readers pause, and polls wait: nothing that only time brings comes between by chance.
        configuration.heartbeat = .seconds(3600)
        configuration.writeStall = .seconds(3600)
        configuration.longPoll = .seconds(3600)
        configure(&configuration)
        let time = shared?.time ?? ManualTime()
        var logger = Logger(label: "test")
        logger.logLevel = .critical
        let memory: any StreamStore = shared?.node() ?? MemoryStreamStore(limits: limits, time: time)
        let service = await FreshetService(
            configuration: configuration,
            store: gate.map { GatedStore(base: memory, gate: $0) } ?? memory,
            keys: try keys.map { try KeyRing(parsing: $0, file: "keys") },
            logger: logger,
            time: time,
            extra: { _ in routes }
        )
        do {
            let port = try #require(try await service.start().port)
            try await body(TestServer(service: service, time: time, port: port))
        } catch {
            await service.stop()
            throw error
        }
        await service.stop()
    }

    func connect() async throws -> RawClient { try await RawClient.connect(port: port) }

    /// One request on a connection of its own. `lines` are header lines without their ends.
    @discardableResult
    func ask(_ method: String, _ target: String, _ lines: String..., body: String? = nil) async throws
        -> RawClient.Response
    {
        let client = try await connect()
        let answer = try await client.request(request(method, target, lines, body: body))
        await client.close()
        return answer
    }

    func request(_ method: String, _ target: String, _ lines: [String] = [], body: String? = nil) -> String {
        let length = body.map { ["Content-Length: \($0.utf8.count)"] } ?? []
        return "\(method) \(target) HTTP/1.1\r\n\(host)" + (lines + length).map { "\($0)\r\n" }.joined() + "\r\n"
            + (body ?? "")
    }

    /// A reader whose head and greeting have come.
    func reader(_ target: String, _ lines: String...) async throws -> RawClient {
        let client = try await connect()
        try await client.send(request("GET", target, ["Accept: text/event-stream"] + lines))
        let head = try await client.head()
        guard head.hasPrefix("HTTP/1.1 200 ") else { throw RawClient.Unexpected(description: head) }
        return client
    }

    /// Appends more text than a reader that takes nothing has room for, and ends the stream.
    func outrun(_ path: String) async throws {
        let large = String(repeating: "x", count: 900_000)
        for _ in 0..<12 {
            #expect(try await ask("POST", path, "Content-Type: text/plain", body: large).status == 204)
        }
        try await ask("POST", path, "Stream-Closed: true")
    }

    /// The offset the store gives out as its nth, counted from 0: the test's clock stands still.
    func offset(_ number: Int) -> String {
        Offset(milliseconds: 1_800_000_000_000, counter: UInt32(number)).text
    }

    /// Until what the server does elsewhere has happened.
    func until(_ what: String, _ isTrue: () async throws -> Bool) async throws {
        let clock = ContinuousClock()
        let deadline = clock.now + .seconds(120)
        while try await !isTrue() {
            guard clock.now < deadline else { throw RawClient.Unexpected(description: "never: \(what)") }
            try await Task.sleep(for: .milliseconds(2))
        }
    }
}
