/// Why a data directory is not opened. The text says what is wrong and what to do.
@available(freshet 0.1, *)
package struct DirectoryError: Error, CustomStringConvertible, Equatable {
    package let description: String

    init(_ description: String) {
        self.description = description
    }
}
