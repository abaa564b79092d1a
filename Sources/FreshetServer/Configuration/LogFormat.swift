/// How the lines of the log are written.
@available(freshet 0.1, *)
package enum LogFormat: String, Sendable, CaseIterable {
    /// For people.
    case text
    /// A JSON object each.
    case json
}
