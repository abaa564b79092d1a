import AsyncHTTPClient
import Foundation
import Freshet
import Hummingbird
import HummingbirdCore
import HummingbirdHTTP2
import HummingbirdTLS
import NIOCore
import NIOHTTP1
import NIOSSL
import Testing

@Suite("Streams inside a Hummingbird application with TLS of its own", .timeLimit(.minutes(10)))
struct TLSTests {
    /// How the application is reached.
    enum Way: CaseIterable, Sendable {
        case http1, http2

        var version: HTTPVersion { self == .http1 ? .http1_1 : .http2 }

        func server(_ configuration: TLSConfiguration) throws -> HTTPServerBuilder {
            switch self {
            case .http1: try .tls(tlsConfiguration: configuration)
            case .http2: try .http2Upgrade(tlsConfiguration: configuration)
            }
        }
    }

    /// Runs an application with the certificate that `scripts/dev-certificate` makes, and a client that trusts nobody
    /// but its authority.
    private func withApp(
        _ way: Way,
        _ body: @escaping @Sendable (RunningApp, HTTPClient) async throws -> Void
    ) async throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "freshet-\(UUID().uuidString)")
        defer { try? FileManager.default.removeItem(at: folder) }
        let script = URL(filePath: #filePath).appending(path: "../../../scripts/dev-certificate").standardized
        let process = try Process.run(script, arguments: [folder.path])
        process.waitUntilExit()
        try #require(process.terminationStatus == 0)
        func path(_ name: String) -> String { folder.appending(path: name).path }
        let server = TLSConfiguration.makeServerConfiguration(
            certificateChain: try NIOSSLCertificate.fromPEMFile(path("certificate.pem")).map { .certificate($0) },
            privateKey: .privateKey(try NIOSSLPrivateKey(file: path("key.pem"), format: .pem))
        )
        var configuration = HTTPClient.Configuration()
        var trust = TLSConfiguration.makeClientConfiguration()
        trust.trustRoots = .file(path("ca.pem"))
        configuration.tlsConfiguration = trust
        let client = HTTPClient(eventLoopGroupProvider: .singleton, configuration: configuration)
        do {
            try await RunningApp.with(server: way.server(server), isSecure: true) { app in try await body(app, client) }
        } catch {
            try await client.shutdown()
            throw error
        }
        try await client.shutdown()
    }

    private static func request(
        _ method: HTTPMethod,
        _ url: String,
        _ headers: [(String, String)] = [],
        _ body: HTTPClientRequest.Body? = nil
    ) -> HTTPClientRequest {
        var request = HTTPClientRequest(url: url)
        request.method = method
        request.headers = HTTPHeaders(headers)
        request.body = body
        return request
    }

    /// The text of a response's body, as far as it was asked for.
    private struct Reading {
        private var parts: HTTPClientResponse.Body.AsyncIterator
        private(set) var text = ""

        init(_ response: HTTPClientResponse) { parts = response.body.makeAsyncIterator() }

        mutating func read(until end: String? = nil) async throws {
            while end.map({ !text.contains($0) }) ?? true, let part = try await parts.next(isolation: #isolation) {
                text += String(buffer: part)
            }
        }
    }

    @Test(
        "A reader gets what a streaming body brings while it arrives, and both learn of a cancel",
        arguments: Way.allCases
    )
    func live(way: Way) async throws {
        try await withApp(way) { app, client in
            let url = app.url + "/v1/stream/a"
            let type = [("Content-Type", "text/plain")]
            let created = try await client.execute(Self.request(.PUT, url, type), timeout: .seconds(120))
            #expect(created.status == .created && created.version == way.version)

            let response = try await client.execute(Self.request(.GET, url + "?as=sse"), timeout: .seconds(120))
            #expect(response.status == .ok && response.version == way.version)
            // HTTP/2 has no such field.
            #expect(response.headers["Connection"] == (way == .http1 ? ["close"] : []))
            var reading = Reading(response)
            try await reading.read(until: ": ok\n\n")

            let (parts, part) = AsyncStream.makeStream(of: ByteBuffer.self)
            async let appended = client.execute(
                Self.request(.POST, url, type, .stream(parts, length: .unknown)),
                timeout: .seconds(120)
            )
            for word in ["one", "two"] {
                part.yield(ByteBuffer(string: word))
                try await reading.read(until: "data: \(word)\n\n")
            }
            let cancel = Self.request(.POST, url, [("Stream-Cancel", "true")])
            #expect(try await client.execute(cancel, timeout: .seconds(120)).status == .noContent)
            let answer = try await appended
            #expect(answer.status == .conflict && answer.headers["Stream-End-Reason"] == ["cancelled"])
            part.finish()
            try await reading.read()
            #expect(reading.text.contains("event: end\n") && reading.text.contains(#"data: {"reason":"cancelled"}"#))

            let last = try #require(reading.text.matches(of: /id: (\S+)/).last?.1)
            let again = Self.request(.GET, url + "?as=sse", [("Last-Event-ID", String(last))])
            #expect(try await client.execute(again, timeout: .seconds(120)).status == .noContent)
        }
    }

    @Test("A reader that leaves is noticed without a write", arguments: Way.allCases)
    func leaves(way: Way) async throws {
        try await withApp(way) { app, client in
            let stream = try await app.streams.create("a")
            do {
                let response = try await client.execute(
                    Self.request(.GET, app.url + "/v1/stream/a?as=sse"),
                    timeout: .seconds(120)
                )
                var reading = Reading(response)
                try await reading.read(until: ": ok\n\n")
                #expect(try await stream.info()?.readers == 1)
            }
            while try await stream.info()?.readers != 0 { try await Task.sleep(for: .milliseconds(5)) }
        }
    }

    @Test("Over HTTP/2 an application knows its scheme: Location has it, and a page in clear text is a stranger")
    func scheme() async throws {
        try await withApp(.http2) { app, client in
            let url = app.url + "/v1/stream/a"
            let created = try await client.execute(Self.request(.PUT, url), timeout: .seconds(120))
            #expect(created.headers["Location"] == [url])
            for (origin, status) in [(app.url, 204), ("http://127.0.0.1:\(app.port)", 403)] {
                let lease = Self.request(.POST, url, [("Stream-Lease", "60"), ("Origin", origin)])
                #expect(try await client.execute(lease, timeout: .seconds(120)).status.code == UInt(status))
            }
        }
    }
}
