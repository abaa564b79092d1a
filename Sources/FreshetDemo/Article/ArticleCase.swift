/// What the article's own code is shown with: what it was written for, and what goes wrong with it.
@available(freshet 0.1, *)
enum ArticleCase: String, Sendable, CaseIterable {
    /// As the article has it.
    case hello
    /// A word that is markup.
    case markup
    /// A word with a line end.
    case newline
    /// Words that begin with their space, as a model cuts them.
    case space
    /// A connection that a proxy closes because nothing was written for a while.
    case again
    /// A connection that breaks while the answer goes on.
    case lost
    /// A connection that is only held.
    case held

    /// Between two words.
    var interval: Duration {
        switch self {
        case .hello, .again: .seconds(1)
        case .lost: .milliseconds(100)
        case .markup, .newline, .space, .held: .milliseconds(400)
        }
    }

    /// The words of the answer, as a model would give them.
    var words: [String] {
        switch self {
        case .hello, .again: ["Hello", "World"]
        case .markup:
            // The picture is broken on purpose, so that the handler runs wherever a reader takes this for markup.
            ["Look: ", #"<img alt="" src="data:," onerror="this.replaceWith('ran as a script: ' + 6 * 7)">"#]
        case .newline: ["Two things:\n1. a brook\n2. a wall", " And that is all."]
        case .space: ["Hello", " World,", " how", " are", " you?"]
        case .lost: (1...30).map { " \($0)" }
        case .held: ["held"]
        }
    }

    /// A word written as the article writes it: into a string, without a look at what it holds.
    func event(_ word: String) -> String {
        switch self {
        case .space: "data:\(word)\n\n"
        case .hello, .markup, .newline, .again, .lost, .held: "data: \(word)\n\n"
        }
    }
}
