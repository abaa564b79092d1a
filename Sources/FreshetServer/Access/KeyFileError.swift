/// What is wrong with a keys file. It never shows a key, since it ends up in a log.
@available(freshet 0.1, *)
package struct KeyFileError: Error, Sendable, Equatable {
    package var file: String
    /// Counted from 1; nil when the file as a whole is meant.
    package var line: Int?
    /// What is wrong and what to do.
    package var reason: String

    package init(file: String, line: Int?, reason: String) {
        self.file = file
        self.line = line
        self.reason = reason
    }
}

@available(freshet 0.1, *)
extension KeyFileError: CustomStringConvertible {
    package var description: String {
        line.map { "\(file):\($0): \(reason)" } ?? "\(file): \(reason)"
    }
}
