import ArgumentParser
import EventSource
import Foundation
import FreshetServer
import NIOHTTP1

/// `freshet health`: whether a server is ready, for health checks of containers, which have no other client.
@available(freshet 0.1, *)
struct Health: AsyncParsableCommand {
    private struct State: Decodable {
        var status: String
        var why: String?
    }

    static let configuration = CommandConfiguration(
        abstract: "Ask a server whether it is ready.",
        discussion: """
            Prints 'ready', or says on standard error what is wrong. Without a URL the server is the one that FRESHET_URL \
            names, or else the one on this machine at port FRESHET_PORT (\(ServerSettings.all.port.defaultValue) without it). \
            Where FRESHET_TLS_CERTIFICATE is set, that port speaks TLS, and FRESHET_CLEAR_TEXT_PORT is asked instead if it \
            is set.

            EXIT STATUS
              0  ready
              1  it shuts down or can store nothing, or something else answers there
              7  no connection, or no response within 5 s
             64  wrong usage
            """
    )

    @Argument(help: ArgumentHelp("The server's address, such as \(StreamURL.defaultServer).", valueName: "url"))
    var url: String?

    @OptionGroup var trust: TrustOptions

    func run() async throws {
        let server = try Self.server(url, environment: ProcessInfo.processInfo.environment)
        let client = StreamClient(key: nil, trusting: try trust.authorities())
        let response: ServerResponse
        do {
            response = try await client.send(.GET, server + "/health", timeout: .seconds(5))
        } catch {
            Terminal.note("no connection to \(server): \(error). Is a server running there?")
            throw ExitStatus.network.code
        }
        guard let state = try? JSONDecoder().decode(State.self, from: Data(response.body)) else {
            Terminal.note("\(server): \(response.problem)")
            throw ExitStatus.refused.code
        }
        guard response.status == 200, state.status == "ready" else {
            Terminal.note("\(server): \(state.status)\(state.why.map { ": \($0)" } ?? "")")
            throw ExitStatus.refused.code
        }
        try Terminal.write(Array("ready\n".utf8))
    }

    /// The server's origin, without a slash at the end.
    static func server(_ url: String?, environment: [String: String]) throws -> String {
        if let url {
            guard Target(url) != nil else {
                throw ValidationError(URLTrouble.describe(url, example: StreamURL.defaultServer) + ".")
            }
            return url.hasSuffix("/") ? String(url.dropLast()) : url
        }
        if value("FRESHET_URL", environment) != nil { return try StreamURL.server(environment: environment) }
        let hasTLS = value("FRESHET_TLS_CERTIFICATE", environment) != nil
        if hasTLS, let port = try portNumber("FRESHET_CLEAR_TEXT_PORT", environment) {
            return "http://127.0.0.1:\(port)"
        }
        let scheme = hasTLS ? "https" : "http"
        guard let port = try portNumber("FRESHET_PORT", environment) else {
            return scheme + StreamURL.defaultServer.dropFirst("http".count)
        }
        return "\(scheme)://127.0.0.1:\(port)"
    }

    /// A variable that is there and not empty.
    private static func value(_ name: String, _ environment: [String: String]) -> String? {
        environment[name].flatMap { $0.isEmpty ? nil : $0 }
    }

    private static func portNumber(_ name: String, _ environment: [String: String]) throws -> UInt16? {
        guard let text = value(name, environment) else { return nil }
        guard let number = UInt16(text), number > 0 else {
            throw ValidationError("\(name): '\(text)' is not a port to connect to.")
        }
        return number
    }
}
