/// Everything that is wrong with how something is set up, each with where it stands and what to do.
@available(freshet 0.1, *)
public struct SetupError: Error, Sendable, Hashable, CustomStringConvertible {
    /// One sentence for each thing that is wrong.
    public var problems: [String]

    /// The problems, one a line.
    public var description: String { problems.joined(separator: "\n") }

    package init(_ problems: [String]) {
        self.problems = problems
    }
}
