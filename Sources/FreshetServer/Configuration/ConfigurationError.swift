/// Everything that is wrong with a configuration, each with where it stands and what to do.
@available(freshet 0.1, *)
package struct ConfigurationError: Error, Sendable, Equatable {
    package var problems: [String]

    package init(_ problems: [String]) {
        self.problems = problems
    }
}

@available(freshet 0.1, *)
extension ConfigurationError: CustomStringConvertible {
    package var description: String {
        problems.joined(separator: "\n")
    }
}
