package import StreamCore
package import StreamHTTP

/// What answers the questions of the chat page.
@available(freshet 0.1, *)
package protocol DemoModel: Sendable {
    /// Whether what was said before in the conversation is part of a question.
    var remembers: Bool { get }

    /// Begins an answer: a stream of chat completion chunks, which is written whoever reads it.
    func begin(_ asked: DemoAsked) async -> Result<DemoAnswer, Problem>
}

/// A question, and what was said before it.
@available(freshet 0.1, *)
package struct DemoAsked: Sendable {
    package struct Exchange: Sendable {
        package var question: String
        package var answer: String
    }

    package var question: String
    package var earlier: [Exchange]
    package var wordsPerSecond: Double
}

/// An answer that has begun.
@available(freshet 0.1, *)
package struct DemoAnswer: Sendable {
    package var stream: StreamName
    /// The model, where it is not the built-in one.
    package var model: String?
    /// The section that it is, and the chapter that this stands in; of a model, who offers it.
    package var title: String
    package var source: String
    /// Questions to go on with.
    package var next: [String]

    package init(stream: StreamName, model: String? = nil, title: String, source: String, next: [String] = []) {
        self.stream = stream
        self.model = model
        self.title = title
        self.source = source
        self.next = next
    }
}
