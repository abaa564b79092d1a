/// What the page sends to ask.
@available(freshet 0.1, *)
struct DemoQuestion: Decodable {
    var question: String
    /// From 1 to 100; 12 where it is not named.
    var wordsPerSecond: Double?
}

/// One turn of a conversation, as it stands in the conversation's stream and in the response to whoever asked.
@available(freshet 0.1, *)
package struct DemoTurn: Codable, Equatable, Sendable {
    package var question: String
    /// The URL of the answer's stream.
    package var stream: String
    /// The model that answers, where it is not the built-in one.
    package var model: String?
    /// The section of the documentation that the answer is; of a model, its name and who offers it.
    package var title: String
    package var source: String
    /// Questions to go on with.
    package var next: [String]
}

/// A conversation that was just made.
@available(freshet 0.1, *)
package struct DemoConversation: Codable, Equatable, Sendable {
    package var id: String
    package var stream: String
    /// Where reading the conversation begins.
    package var offset: String
}
