import DurableStream
import Foundation
import Hummingbird
import Logging

@available(macOS 14, *)
@main
struct AnswerBackEnd {
    struct Question: Decodable {
        var question: String
    }

    struct Answer: ResponseEncodable {
        var stream: String
    }

    static func main() async throws {
        let environment = ProcessInfo.processInfo.environment
        let server = environment["FRESHET_URL"] ?? "http://127.0.0.1:4437"
        let configuration = DurableStream.Configuration(bearerToken: environment["FRESHET_KEY"])

        let router = Router()
        router.post("/ask") { request, context in
            let question = try await request.decode(as: Question.self, context: context).question
            let path = "/v1/stream/chat/\(UUID())"
            let stream = DurableStream(url: server + path, configuration: configuration)
            let logger = context.logger
            Task {
                do {
                    try await stream.produce { producer in  // ends the stream: done, or failed if this throws
                        for await token in answer(question) {
                            guard case .open = try await producer.append(token) else { break }  // somebody pressed Stop
                        }
                    }
                } catch {
                    logger.error("\(path): \(error)")
                }
            }
            return Answer(stream: path)
        }
        let port = CommandLine.arguments.dropFirst().first.flatMap { Int($0) } ?? 8080
        let app = Application(router: router, configuration: .init(address: .hostname("127.0.0.1", port: port)))
        try await app.runService()
    }
}
