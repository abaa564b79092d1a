/// What is wrong with a file or an answer that should hold keys of an issuer. It never shows a key.
@available(freshet 0.1, *)
package struct KeysTrouble: Error, Sendable, Equatable, CustomStringConvertible {
    /// The file, or the URL.
    package var place: String
    package var reason: String

    package var description: String { "\(place): \(reason)" }
}
