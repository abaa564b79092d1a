import Foundation
import Freshet
import FreshetTokens
import Hummingbird

@available(macOS 14, *)
@main
struct TokenBackEnd {
    static func main() async throws {
        let maker = try TokenMaker(secretFile: "secret", issuer: "app", audience: "freshet")
        // Yours: who is logged in, by the value of a cookie, and who may read what.
        let table = try Data(contentsOf: URL(filePath: "sessions.json"))
        let users = try JSONDecoder().decode([String: String].self, from: table)
        let owners = ["answers/42": "u42"]

        let router = Router()
        router.post("/token/**") { request, context in
            let stream = context.parameters.getCatchAll().joined(separator: "/")
            guard let user = users[request.cookies["login"]?.value ?? ""] else { throw HTTPError(.unauthorized) }
            guard owners[stream] == user else { throw HTTPError(.forbidden) }
            let token = try maker.token(for: user, [.init(.read, on: [stream])], lifetime: .seconds(600))
            return EditedResponse(headers: [.cacheControl: "no-store"], response: token)
        }
        let port = CommandLine.arguments.dropFirst().first.flatMap { Int($0) } ?? 8080
        let app = Application(router: router, configuration: .init(address: .hostname("127.0.0.1", port: port)))
        try await app.runService()
    }
}
