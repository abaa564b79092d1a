import DurableStream
import EventSource
import Locks
import NIOCore
import NIOHTTP1
import ScriptedServer
import Testing

@testable import FreshetCLI

/// Input from memory: each read gives the next piece, at once or when it is let through.
private final class ScriptedInput: ProducerInput {
    private struct State {
        var pieces: ArraySlice<[UInt8]>
        /// How many pieces may still be given.
        var allowed: Int
        var reader: (@Sendable (InputPiece) -> Void)?
        var reads = 0
    }

    private let state: Mutex<State>

    init(_ pieces: [String], isPaced: Bool = false) {
        state = Mutex(State(pieces: pieces.map { Array($0.utf8) }[...], allowed: isPaced ? 1 : .max))
    }

    var reads: Int { state.withLock { $0.reads } }

    func read(_ done: @escaping @Sendable (InputPiece) -> Void) {
        state.withLock {
            $0.reads += 1
            $0.reader = done
        }
        give()
    }

    /// One more piece may be given.
    func letThrough() {
        state.withLock { if $0.allowed < .max { $0.allowed += 1 } }
        give()
    }

    func onInterrupt(_ stop: @escaping @Sendable () -> Void) {}

    private func give() {
        let (reader, piece) = state.withLock { state -> ((@Sendable (InputPiece) -> Void)?, InputPiece) in
            guard state.allowed > 0, let reader = state.reader else { return (nil, .end) }
            state.reader = nil
            if state.allowed < .max { state.allowed -= 1 }
            return (reader, state.pieces.popFirst().map { .bytes($0) } ?? .end)
        }
        reader?(piece)
    }
}

/// What every response of a Freshet server tells of a stream.
private let next = [("Stream-Next-Offset", "1")]

/// A stream as a server keeps it, with the rules of idempotent producers, and with trouble now and then.
private final class StreamModel: Sendable {
    struct State {
        var text = ""
        var next: [String: Int] = [:]
        var ends: [String] = []
        var creations = 0
    }

    let state = Mutex(State())
    /// Of ten requests, how many meet trouble.
    let trouble: Int

    init(trouble: Int) {
        self.trouble = trouble
    }

    func answer(_ request: ScriptedServer.Request) -> ScriptedServer.Response {
        state.withLock { state in
            switch Int.random(in: 0..<10) {
            case 0..<trouble where Bool.random():
                // Lost before it was carried out.
                return Bool.random() ? .init(503, end: .abort) : .init(503, [("Retry-After", "0")])
            case 0..<trouble:
                // Carried out, and the response is lost.
                _ = carryOut(request, &state)
                return .init(503, end: .abort)
            default:
                return carryOut(request, &state)
            }
        }
    }

    private func carryOut(_ request: ScriptedServer.Request, _ state: inout State) -> ScriptedServer.Response {
        if request.method == "PUT" {
            state.creations += 1
            return .init(state.creations == 1 ? 201 : 200, next)
        }
        guard let id = request.headers.first(name: "Producer-Id"),
            let sequence = request.headers.first(name: "Producer-Seq").flatMap({ Int($0) })
        else { return .init(400) }
        let expected = state.next[id, default: 0]
        if sequence < expected { return .init(204, next) }
        guard sequence == expected else { return .init(409, [("Producer-Expected-Seq", "\(expected)")]) }
        guard state.ends.isEmpty else { return .init(409, [("Stream-Closed", "true")]) }
        state.next[id] = sequence + 1
        state.text += request.text
        if request.headers.first(name: "Stream-Closed") == "true" {
            state.ends.append(request.headers.first(name: "Stream-End-Reason") ?? "")
            return .init(200, next + [("Stream-Closed", "true"), ("Stream-End-Reason", state.ends[0])])
        }
        return .init(200, next)
    }
}

@Suite struct AppendSessionTests {
    private func session(
        _ url: String,
        _ input: any ProducerInput,
        progress: @escaping @Sendable (Int, Int, String?) -> Void = { _, _, _ in },
        change: (inout ProducerMachine<SystemRandomNumberGenerator>.Settings) -> Void = { _ in }
    ) -> AppendSession {
        var settings = ProducerMachine<SystemRandomNumberGenerator>.Settings(
            contentType: "text/plain",
            end: EventSource.End(reason: .done)
        )
        settings.retryBase = .milliseconds(2)
        settings.retryMaximum = .milliseconds(5)
        change(&settings)
        return AppendSession(
            client: StreamClient(key: "secret"),
            url: url + "/v1/stream/s",
            settings: settings,
            ttlSeconds: 60,
            producerID: "p",
            input: input,
            progress: progress
        )
    }

    @Test func `Over a connection that breaks at random nothing is lost, doubled or ended twice`() async throws {
        for trouble in [0, 5] {
            let model = StreamModel(trouble: trouble)
            let words = (0..<200).map { "wörd\($0) " }
            try await ScriptedServer.run { _, request in
                model.answer(request)
            } _: { server in
                let outcome = try await session(server.origin, ScriptedInput(words)).run()
                #expect(outcome == .complete)
                model.state.withLock { state in
                    #expect(state.text == words.joined())
                    #expect(state.ends == ["done"])
                }
                for request in server.requests { #expect(request.headers["Authorization"] == ["Bearer secret"]) }
                let create = try #require(server.requests.first)
                #expect(create.headers["Stream-TTL"] == ["60"])
                #expect(create.headers["Content-Type"] == ["text/plain"])
                let end = try #require(server.requests.last)
                #expect(end.body.isEmpty)
                #expect(end.headers["Content-Length"] == ["0"])
            }
        }
    }

    /// A timer that was no longer needed once sent its request a second time, and the second answer was taken for an
    /// acknowledgement of the next append.
    @Test func `Input that arrives while a repetition is waited for is acknowledged by its own response`() async throws
    {
        let model = StreamModel(trouble: 5)
        let words = (0..<200).map { "word\($0) " }
        let input = ScriptedInput(words, isPaced: true)
        try await ScriptedServer.run { _, request in
            model.answer(request)
        } _: { server in
            // After a response was taken in: either the next request is under way, or a wait has begun.
            let outcome = try await session(server.origin, input, progress: { _, _, _ in input.letThrough() }).run()
            #expect(outcome == .complete)
            model.state.withLock { state in
                #expect(state.text == words.joined())
                #expect(state.ends == ["done"])
            }
        }
    }

    @Test func `A server that does not answer stops the reading at the bound`() async throws {
        try await ScriptedServer.run { index, _ in
            index < 3 ? .init(503) : .init(400, body: #"{"title":"No","detail":"because"}"#)
        } _: { server in
            let input = ScriptedInput(Array(repeating: String(repeating: "x", count: 1000), count: 1000))
            let outcome = try await session(server.origin, input, change: { $0.maximumPendingBytes = 5000 }).run()
            #expect(outcome == .refused("No: because (400)"))
            #expect(input.reads == 5)
        }
    }

    @Test func `A cancelled stream stops it, and it reads no more`() async throws {
        try await ScriptedServer.run { index, _ in
            index < 2
                ? .init(200, next)
                : .init(409, [("Stream-Closed", "true"), ("Stream-End-Reason", "cancelled")])
        } _: { server in
            let input = ScriptedInput(Array(repeating: "x", count: 100_000))
            let outcome = try await session(server.origin, input).run()
            #expect(outcome == .ended(.init(reason: .cancelled)))
            #expect(server.requests.count == 3)
        }
    }
}
