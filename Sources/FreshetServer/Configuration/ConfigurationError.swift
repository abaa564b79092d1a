/// Everything that is wrong with a configuration, each with where it stands and what to do.
package struct ConfigurationError: Error, Sendable, Equatable {
    package var problems: [String]

    package init(_ problems: [String]) {
        self.problems = problems
    }
}

extension ConfigurationError: CustomStringConvertible {
    package var description: String {
        problems.joined(separator: "\n")
    }
}
