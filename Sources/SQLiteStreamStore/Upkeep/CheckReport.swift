/// What was found by looking at everything in a data directory.
@available(freshet 0.1, *)
package struct CheckReport: Sendable, Equatable {
    package var streams = 0
    package var events = 0
    package var bytes = 0
    package var chunks = 0
    /// What is damaged, each a sentence for people that names the stream and the range.
    package var problems: [String] = []
}
