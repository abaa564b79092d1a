import FoundationEssentials
import StreamCore

/// The text of an answer that was kept as chat completion chunks.
@available(freshet 0.1, *)
enum AnswerText {
    private struct Chunk: Decodable {
        struct Choice: Decodable {
            struct Delta: Decodable { var content: String? }
            var delta: Delta?
        }
        var choices: [Choice]?
    }

    static func of(_ events: [StreamEvent]) -> String {
        let decoder = JSONDecoder()
        return events.compactMap { try? decoder.decode(Chunk.self, from: Data($0.body.data)) }
            .compactMap { $0.choices?.first?.delta?.content }
            .joined()
    }
}
