/// What is wrong with the file of a hook's secret. It never shows the secret.
@available(freshet 0.1, *)
package struct HookTrouble: Error, Sendable, Equatable, CustomStringConvertible {
    package var file: String
    package var reason: String

    package var description: String { "\(file): \(reason)" }
}
