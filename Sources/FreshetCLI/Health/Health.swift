import ArgumentParser
import EventSource
import Foundation
import FreshetServer
import NIOHTTP1

/// `freshet health`: whether a server is ready, for health checks of containers, which have no other client.
struct Health: AsyncParsableCommand {
    private struct State: Decodable {
        var status: String
        var why: String?
    }

    static let configuration = CommandConfiguration(
        abstract: "Ask a server whether it is ready.",
        discussion: """
            Prints 'ready', or says on standard error what is wrong. Without a URL the server is the one that FRESHET_URL \
            names, or else the one on this machine at port FRESHET_PORT (\(ServerSettings.all.port.defaultValue) without it).

            EXIT STATUS
              0  ready
              1  it shuts down or can store nothing, or something else answers there
              7  no connection, or no response within 5 s
             64  wrong usage
            """
    )

    @Argument(help: ArgumentHelp("The server's address, such as \(StreamURL.defaultServer).", valueName: "url"))
    var url: String?

    func run() async throws {
        let server = try Self.server(url, environment: ProcessInfo.processInfo.environment)
        let response: ServerResponse
        do {
            response = try await StreamClient(key: nil).send(.GET, server + "/health", timeout: .seconds(5))
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
        let isNamed = environment["FRESHET_URL"].map { !$0.isEmpty } ?? false
        guard !isNamed, let port = environment["FRESHET_PORT"], !port.isEmpty else {
            return try StreamURL.server(environment: environment)
        }
        guard let number = UInt16(port), number > 0 else {
            throw ValidationError("FRESHET_PORT: '\(port)' is not a port to connect to.")
        }
        return "http://127.0.0.1:\(number)"
    }
}
