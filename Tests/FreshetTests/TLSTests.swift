import AsyncHTTPClient
import Foundation
import Freshet
import NIOCore
import NIOHTTP1
import NIOSSL
import Testing

@Suite("The server inside a program, over TLS", .timeLimit(.minutes(10)))
struct TLSTests {
    /// A folder with what `scripts/dev-certificate` makes.
    private struct Certificate {
        let folder = FileManager.default.temporaryDirectory.appending(path: "freshet-\(UUID().uuidString)")

        init() throws { try make() }

        /// Another one, in its place.
        func make() throws {
            let script = URL(filePath: #filePath).appending(path: "../../../scripts/dev-certificate").standardized
            let process = try Process.run(script, arguments: [folder.path])
            process.waitUntilExit()
            try #require(process.terminationStatus == 0)
        }

        func remove() { try? FileManager.default.removeItem(at: folder) }

        var chain: String { folder.appending(path: "certificate.pem").path }
        var key: String { folder.appending(path: "key.pem").path }

        /// What a client says that trusts nobody but the authority of now.
        func ask(_ url: String) async throws -> String {
            var configuration = HTTPClient.Configuration()
            var tls = TLSConfiguration.makeClientConfiguration()
            tls.trustRoots = .file(folder.appending(path: "ca.pem").path)
            configuration.tlsConfiguration = tls
            let client = HTTPClient(eventLoopGroupProvider: .singleton, configuration: configuration)
            do {
                let response = try await client.execute(HTTPClientRequest(url: url), timeout: .seconds(20))
                #expect(response.version == (url.hasPrefix("https://") ? .http2 : .http1_1))
                let answer = String(buffer: try await response.body.collect(upTo: 1 << 20))
                try await client.shutdown()
                return answer
            } catch {
                try await client.shutdown()
                throw error
            }
        }
    }

    @Test("serves it, by HTTP/2 too, with a second port in clear text, and takes a renewed certificate")
    func renewed() async throws {
        let certificate = try Certificate()
        defer { certificate.remove() }
        let server = try EmbeddedServerTests.server {
            $0.tlsCertificate = certificate.chain
            $0.tlsKey = certificate.key
            $0.clearTextPort = 0
        }
        try await RunningServer.with(server) { running async throws in
            #expect(running.url.hasPrefix("https://"))
            let health = "{\"status\":\"ready\"}\n"
            #expect(try await certificate.ask(running.url + "/health") == health)
            let port = try #require(try await server.listening().clearTextPort)
            #expect(try await certificate.ask("http://127.0.0.1:\(port)/health") == health)

            try certificate.make()
            await #expect(throws: (any Error).self) { try await certificate.ask(running.url + "/health") }
            try server.reloadCertificate()
            #expect(try await certificate.ask(running.url + "/health") == health)

            try Data("nothing".utf8).write(to: URL(filePath: certificate.key))
            let error = try #require(throws: SetupError.self) { try server.reloadCertificate() }
            #expect("\(error)".contains("no private key"))
            #expect(try await certificate.ask(running.url + "/health") == health)
        }
    }

    @Test("says what is wrong with a certificate before it listens")
    func wrong() throws {
        let error = try #require(throws: SetupError.self) {
            try EmbeddedServerTests.server {
                $0.tlsCertificate = "/nowhere/chain.pem"
                $0.tlsKey = "/nowhere/key.pem"
            }
        }
        #expect("\(error)".contains("/nowhere/chain.pem"))
    }
}
