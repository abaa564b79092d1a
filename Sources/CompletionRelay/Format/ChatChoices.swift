import TextCodecs

/// Which choices of a chat completion have begun, and which have finished.
///
/// Many servers end a completion without `[DONE]`. Each choice that has begun must then have said why it finished;
/// what comes after that (usage, late findings of a filter) takes nothing back.
@available(freshet 0.1, *)
struct ChatChoices: Sendable {
    private var open: Set<Int> = []
    private var finished: Set<Int> = []
    private var isCounted = true

    /// More than anybody asks for. Of an answer with more it is not known whether all have finished.
    private static let most = 1024

    var areFinished: Bool { isCounted && open.isEmpty && !finished.isEmpty }

    /// None will begin: the question itself was refused.
    mutating func refused() { finished.insert(0) }

    /// - Parameter member: where a choice says why it has finished.
    mutating func received(_ choices: [JSONSlice], finished member: String = "finish_reason") {
        for (place, choice) in choices.enumerated() {
            let number = choice["index"]
            let index = number?.integer ?? number?.string.flatMap { Int($0) } ?? place
            if let reason = choice[member]?.string, !reason.isEmpty, !ProviderFailure.isError(choice[member]),
                reason != "FINISH_REASON_UNSPECIFIED"
            {
                open.remove(index)
                finished.insert(index)
            } else if !finished.contains(index) {
                open.insert(index)
            }
        }
        if open.count + finished.count > Self.most { (open, finished, isCounted) = ([], [], false) }
    }
}
