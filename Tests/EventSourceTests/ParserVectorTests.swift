import Foundation
import NIOHTTP1
import ScriptedServer
import ServerSentEvents
import Testing

@testable import EventSource

/// The parser's vectors, drawn from web-platform-tests, as responses of a real server.
@Suite struct ParserVectorTests {
    struct Vector: Decodable, Sendable, CustomTestStringConvertible {
        struct Event: Decodable, Sendable, Equatable {
            var type: String
            var data: String
            var lastEventId: String
        }

        var id: String
        var chunks_hex: [String]
        var initialLastEventId: String
        var events: [Event]
        var comments: [String]
        var retry: [Int]
        var lastEventIdAtEnd: String
        var testDescription: String { id }

        var bytes: [UInt8] {
            get throws {
                let digits = Array(chunks_hex.joined())
                return try stride(from: 0, to: digits.count, by: 2).map { index in
                    try #require(UInt8(String(digits[index...(index + 1)]), radix: 16))
                }
            }
        }
    }

    static let vectors: [Vector] = {
        struct File: Decodable { var vectors: [Vector] }
        let tests = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        let url = tests.appending(path: "ServerSentEventsTests/Vectors/wpt-parser.json")
        return try! JSONDecoder().decode(File.self, from: Data(contentsOf: url)).vectors
    }()

    @Test func `All vectors are there`() {
        #expect(Self.vectors.count == 26)
    }

    @Test(arguments: TransportUnderTest.allCases, vectors)
    func `A response means what its bytes say, written at once and byte by byte`(
        transport: TransportUnderTest,
        _ vector: Vector
    ) async throws {
        for pieceSize in [nil, 1] { try await read(vector, transport, pieceSize: pieceSize) }
    }

    /// Reads the response, comes back once, and is told that there is no more.
    private func read(_ vector: Vector, _ transport: TransportUnderTest, pieceSize: Int?) async throws {
        let bytes = try vector.bytes
        var configuration = EventSource.Configuration()
        configuration.lastEventID = vector.initialLastEventId
        configuration.reconnectionTime = .milliseconds(20)
        configuration.deliversComments = true

        try await ScriptedServer.run { index, _ in
            index == 0 ? .events(bytes: bytes, pieceSize: pieceSize) : .init(204)
        } _: { server in
            var events: [Vector.Event] = []
            var comments: [String] = []
            var delays: [Duration] = []
            let source = transport.source(server.origin, configuration)
            for try await element in source {
                switch element {
                case .opened: break
                case .event(let event):
                    events.append(.init(type: event.type, data: event.data, lastEventId: event.lastEventID))
                case .comment(let text): comments.append(text)
                case .reconnecting(let reconnection):
                    #expect(reconnection.reason == .endOfBody)
                    delays.append(reconnection.delay)
                    // However long the stream says: what it says is in the delay.
                    source.restart()
                default: Issue.record("unexpected \(element)")
                }
            }
            #expect(events == vector.events)
            #expect(comments == vector.comments)
            let retry = vector.retry.last ?? 20
            #expect(delays.count == 1)
            let expected = Duration.milliseconds(retry)...Duration.milliseconds(retry + retry / 5)
            #expect(delays.allSatisfy { expected.contains($0) })
            let ids = [vector.initialLastEventId, vector.lastEventIdAtEnd]
            #expect(server.requests.map { $0.headers.first(name: "Last-Event-ID") ?? "" } == ids)
        }
    }
}
