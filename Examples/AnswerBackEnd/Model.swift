/// Stands for your model: the tokens of an answer, as they are made.
@available(macOS 14, *)
func answer(_ question: String) -> AsyncStream<String> {
    AsyncStream { tokens in
        switch question {
        case "Why?":
            for token in ["Because ", "it ", "rained ", "é😀."] { tokens.yield(token) }
            tokens.finish()
        default:
            // Without an end, until somebody stops it.
            let writing = Task {
                while !Task.isCancelled {
                    tokens.yield("more ")
                    try? await Task.sleep(for: .milliseconds(50))
                }
            }
            tokens.onTermination = { _ in writing.cancel() }
        }
    }
}
