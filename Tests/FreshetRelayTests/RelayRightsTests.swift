import AsyncHTTPClient
import Foundation
import Freshet
import FreshetRelay
import Locks
import Logging
import NIOCore
import NIOHTTP1
import ServiceLifecycle
import Testing

@Suite("Who may ask models through the relay", .timeLimit(.minutes(10)))
struct RelayRightsTests {
    private static let call = #"{"model":"builtin","messages":[{"role":"user","content":"Why?"}]}"#

    @Test("a key that may create what every answer's name begins with, and no other")
    func keys() async throws {
        let patterns = [
            ("*", true), ("relay/", true), ("relay/*", true), ("relay", true), ("rel*", true), ("relay/a", false),
            ("relays", false), ("Relay/", false), ("relay%2F", false), ("relay\u{301}/", false), ("answers/", false),
        ]
        let rights = [("create", true), ("all", true), ("append,end,cancel,read,delete,inspect", false)]
        var lines: [String] = []
        var expected: [Bool] = []
        for (pattern, reaches) in patterns {
            for (right, creates) in rights {
                lines.append("key\(lines.count) number-\(lines.count)-of-the-file \(right) \(pattern)\n")
                expected.append(reaches && creates)
            }
        }
        let file = FileManager.default.temporaryDirectory.appending(path: "freshet-\(UUID().uuidString)")
        try Data(lines.joined().utf8).write(to: file)
        defer { try? FileManager.default.removeItem(at: file) }
        let asked = Mutex(0)
        let relay = try ModelRelay(upstreams: ["builtin"]) { _ in
            asked.withLock { $0 += 1 }
            return ["Because."]
        }
        let found = try await statuses(relay, keys: file.path, of: lines.count)
        #expect(found == expected.map { $0 ? 200 : 403 }, "\(lines)")
        #expect(asked.withLock(\.self) == expected.count(where: \.self))
    }

    /// How the same call is answered to each of the keys.
    private func statuses(_ relay: ModelRelay, keys: String, of count: Int) async throws -> [Int] {
        var configuration = EmbeddedServer.Configuration(port: 0)
        configuration.drainDeadline = .seconds(5)
        configuration.keys = keys
        let server = try EmbeddedServer(configuration: configuration, mounts: [relay.mount])
        let group = ServiceGroup(configuration: .init(services: [server], logger: Logger(label: "test")))
        return try await withThrowingTaskGroup(of: Void.self) { tasks in
            tasks.addTask { try await group.run() }
            let url = try await server.listening().description + "/v1/chat/completions"
            var statuses: [Int] = []
            for number in 0..<count {
                var request = HTTPClientRequest(url: url)
                request.method = .POST
                request.headers = ["Freshet-Key": "number-\(number)-of-the-file", "Content-Type": "application/json"]
                request.body = .bytes(ByteBuffer(string: Self.call))
                let response = try await HTTPClient.shared.execute(request, timeout: .seconds(120))
                _ = try await response.body.collect(upTo: 1 << 20)
                statuses.append(Int(response.status.code))
            }
            await group.triggerGracefulShutdown()
            try await tasks.waitForAll()
            return statuses
        }
    }
}
