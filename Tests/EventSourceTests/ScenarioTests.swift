import Foundation
import NIOCore
import NIOHTTP1
import ScriptedServer
import ServerSentEvents
import Testing

@testable import EventSource

/// The client scenarios drawn from web-platform-tests, against a real server that follows their script.
@Suite struct ScenarioTests {
    struct Scenario: Decodable, Sendable, CustomTestStringConvertible {
        struct Response: Decodable, Sendable {
            var status: Int
            var headers: [String: String]
            var body: String
            var end: String
            var delayHeadersMs: Int?
        }

        struct Expect: Decodable, Sendable {
            struct Event: Decodable, Sendable, Equatable {
                var data: String
                var lastEventID: String?

                init(from decoder: any Decoder) throws {
                    if let data = try? decoder.singleValueContainer().decode(String.self) {
                        self.data = data
                        return
                    }
                    var list = try decoder.unkeyedContainer()
                    data = try list.decode(String.self)
                    lastEventID = try list.decodeIfPresent(String.self)
                }
            }

            struct Failure: Decodable, Sendable { var readyState: String }

            var events: [Event]?
            var errors: [Failure]?
            var errorsBetween: [Failure]?
            var requests: Int?
            var open: Bool?
            var requestHeaders: [String: String]?
            var requestHeaderBytes: [String: [String?]]?
            var gapBetweenOpensMs: [Double]?
            var url: String?
            var `throws`: String?
            var action: String?
        }

        var id: String
        var responses: [Response]
        var expect: Expect
        var testDescription: String { id }
    }

    static let scenarios: [Scenario] = {
        struct File: Decodable { var scenarios: [Scenario] }
        let url = Bundle.module.url(forResource: "client-scenarios", withExtension: "json", subdirectory: "Vectors")!
        return try! JSONDecoder().decode(File.self, from: Data(contentsOf: url)).scenarios
    }()

    @Test(arguments: TransportUnderTest.allCases, scenarios)
    func `A browser's scenario is followed, its bodies written at once and byte by byte`(
        transport: TransportUnderTest,
        _ scenario: Scenario
    ) async throws {
        if scenario.expect.action == "cancel at 0 ms" {
            try await cancelled(scenario, transport)
            return
        }
        for pieceSize in [nil, 1] { try await follow(scenario, transport, pieceSize: pieceSize) }
    }

    private func follow(_ scenario: Scenario, _ transport: TransportUnderTest, pieceSize: Int?) async throws {
        var configuration = EventSource.Configuration()
        configuration.statusPolicy = .browser
        configuration.reconnectionTime = .milliseconds(20)

        try await ScriptedServer.run { index, _ in
            guard index < scenario.responses.count else { return .init(204) }
            return .init(scenario.responses[index], pieceSize: pieceSize)
        } _: { server in
            var events: [Scenario.Expect.Event] = []
            var opens = 0
            var reconnections = 0
            var delays: [Double] = []
            var failure: (any Error)?
            do {
                let url = scenario.expect.url ?? server.origin + "/stream"
                for try await element in transport.source(url, configuration) {
                    switch element {
                    case .opened: opens += 1
                    case .event(let event): events.append(.init(event.data, event.lastEventID))
                    case .reconnecting(let reconnection):
                        reconnections += 1
                        delays.append(Double(reconnection.delay.milliseconds))
                    default: Issue.record("unexpected \(element)")
                    }
                }
            } catch {
                failure = error
            }
            let expect = scenario.expect
            if let expected = expect.events {
                #expect(events.map(\.data) == expected.map(\.data))
                for (event, wanted) in zip(events, expected) where wanted.lastEventID != nil {
                    #expect(event.lastEventID == wanted.lastEventID)
                }
            }
            if let requests = expect.requests { #expect(server.requests.count == requests) }
            if let open = expect.open { #expect((opens > 0) == open) }
            if let errors = expect.errors {
                // `CONNECTING` is a reconnection; `CLOSED` a final failure or the 204, after which nothing is sent.
                let connecting = errors.filter { $0.readyState == "CONNECTING" }.count
                if errors.contains(where: { $0.readyState == "CLOSED" }) {
                    #expect(reconnections == connecting)
                    let lastIndex = max(0, server.requests.count - 1)
                    let lastStatus =
                        scenario.responses.indices.contains(lastIndex)
                        ? scenario.responses[lastIndex].status : 0
                    #expect((failure == nil) == (lastStatus == 204))
                } else {
                    #expect(failure == nil)
                }
            }
            if let between = expect.errorsBetween { #expect(reconnections >= between.count) }
            if expect.throws != nil {
                #expect((failure as? EventSourceError)?.code == .invalidURL)
                #expect(server.requests.isEmpty)
            }
            for (name, value) in expect.requestHeaders ?? [:] {
                for request in server.requests { #expect(request.headers[name] == [value]) }
            }
            for (name, values) in expect.requestHeaderBytes ?? [:] {
                for (request, value) in zip(server.requests, values) {
                    let bytes = request.headers.first(name: name).map { Array($0.utf8) }
                    #expect(bytes.map(hex) == value)
                }
            }
            if let gap = expect.gapBetweenOpensMs {
                // How long it means to wait is exact; how long it took has no upper bound on a busy machine. It is taken
                // from when the server had the requests: the first came before what the wait is counted from.
                #expect(gap[0]...gap[1] ~= delays[0])
                #expect(Double((server.requests[1].at - server.requests[0].at).milliseconds) >= gap[0])
            }
        }
    }

    private func cancelled(_ scenario: Scenario, _ transport: TransportUnderTest) async throws {
        try await ScriptedServer.run { _, _ in
            .init(scenario.responses[0], pieceSize: nil)
        } _: { server in
            let reader = Task {
                for try await element in transport.source(server.origin) { Issue.record("unexpected \(element)") }
            }
            await server.arrived(1)
            reader.cancel()
            try await reader.value
            #expect(server.requests.count == 1)
        }
    }

    private func hex(_ bytes: [UInt8]) -> String {
        bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
    }
}

extension ScenarioTests.Scenario.Expect.Event {
    fileprivate init(_ data: String, _ lastEventID: String) {
        self.data = data
        self.lastEventID = lastEventID
    }
}

extension ScriptedServer.Response {
    fileprivate init(_ response: ScenarioTests.Scenario.Response, pieceSize: Int?) {
        let end: End =
            switch response.end {
            case "close": .close
            case "abort": .abort
            case "stall": .stall
            default: .keep
            }
        self.init(
            response.status,
            response.headers.map { ($0.key, $0.value) },
            bytes: Array(response.body.utf8),
            end: end,
            delay: .milliseconds(Int64(response.delayHeadersMs ?? 0)),
            pieceSize: pieceSize
        )
    }
}
