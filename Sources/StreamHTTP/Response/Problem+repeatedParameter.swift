@available(freshet 0.1, *)
extension Problem {
    /// A query parameter that may stand once, and stands more often: which of its values counts, nobody can know.
    package static func repeatedParameter(_ name: String) -> Problem {
        Problem(
            400,
            "repeated-parameter",
            title: "Repeated query parameter",
            detail: "`\(name)` may be sent once. Nothing was changed."
        )
    }
}
