import AsyncHTTPClient
import EventSource
import Freshet
import NIOCore
import NIOHTTP1
import ServerSentEvents
import Testing

/// The limits of `EventSource.Configuration.freshet` against a server with default settings.
@Suite("The longest event that a server takes", .timeLimit(.minutes(10)))
struct LongestEventTests {
    /// An event of as many bytes as a server takes, all the same, in a form that makes them more.
    struct Form: Sendable, CustomTestStringConvertible {
        var testDescription: String
        var contentType: String
        var byte: UInt8
        var format = BodyFormat.eventStream
        /// What a reader gets for all of them.
        var data: String
    }

    private static let most = EventStreams.Configuration().eventBytes

    static let forms = [
        Form(
            testDescription: "text that is not UTF-8",
            contentType: "text/plain",
            byte: 0xFF,
            data: String(repeating: "\u{FFFD}", count: most)
        ),
        Form(
            testDescription: "binary",
            contentType: "application/octet-stream",
            byte: 0xFF,
            // Three bytes are `////`, and one is left.
            data: String(repeating: "////", count: most / 3) + "/w=="
        ),
        Form(
            testDescription: "control characters as NDJSON",
            contentType: "text/plain",
            byte: 0x01,
            format: .lines,
            data: "\"" + String(repeating: #"\u0001"#, count: most) + "\""
        ),
    ]

    @Test("is read whole with the configuration for Freshet, however much it grows on its way", arguments: forms)
    func longest(form: Form) async throws {
        try #require(Self.most == 1 << 20)
        try await RunningServer.with(try EmbeddedServerTests.server()) { running async throws in
            let path = "/v1/stream/long"
            let type = [("Content-Type", form.contentType)]
            #expect(try await running.ask(.PUT, path, type).status == 201)
            let body = ByteBuffer(repeating: form.byte, count: Self.most)
            let appended = try await running.open(.POST, path, type, body: .bytes(body))
            _ = try await appended.body.collect(upTo: 1 << 16)
            #expect(appended.status == .noContent)
            #expect(try await running.ask(.POST, path, [("Stream-Closed", "true")]).status == 204)

            var configuration = EventSource.Configuration.freshet
            configuration.format = form.format
            var data: [String] = []
            var ends: [EventSource.End] = []
            for try await element in EventSource(url: running.url + path, configuration: configuration) {
                switch element {
                case .event(let event): data.append(event.data)
                case .end(let end): ends.append(end)
                case .opened, .start: break
                default: Issue.record("unexpected \(element)")
                }
            }
            #expect(data.map(\.utf8.count) == [form.data.utf8.count])
            // Without its values, which nobody wants to see.
            let isWhole = data == [form.data]
            #expect(isWhole)
            #expect(ends.map(\.reason) == [.done])
        }
    }
}
