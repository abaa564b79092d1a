import Freshet
import FreshetHummingbird
import Hummingbird
import Logging

/// A Hummingbird application that serves streams beside its own routes.
///
///     swift run HummingbirdApp 8080
///     curl -X POST http://127.0.0.1:8080/count
///     curl -N 'http://127.0.0.1:8080/v1/stream/count?as=sse'
@available(macOS 14, *)
@main
struct HummingbirdApp {
    static func main() async throws {
        let arguments = CommandLine.arguments.dropFirst().compactMap { Int($0) }
        let streams = try EventStreams()
        let freshet = try HummingbirdStreams(streams)

        let router = Router()
        router.add(middleware: LogRequestsMiddleware(.debug))
        router.get("/") { _, _ in "Freshet in Hummingbird" }
        router.post("/count") { _, _ in
            let stream = try await streams.create("count")
            Task {
                try await stream.produce { producer in
                    for number in 1...10 {
                        try await producer.append("\(number)")
                        try await Task.sleep(for: .milliseconds(200))
                    }
                }
            }
            return HTTPResponse.Status.created
        }
        freshet.addRoutes(to: router) { _, _ in .everybody }

        let app = Application(
            router: router,
            configuration: .init(address: .hostname("127.0.0.1", port: arguments.first ?? 8080)),
            services: [freshet]
        )
        try await app.runService()
    }
}
