/// A path below `/responses`, which names a response that exists: `/responses/ID`, `/responses/ID/cancel`, …
@available(freshet 0.1, *)
struct ResponsePath: Sendable, Equatable {
    var id: String
    /// What follows the id: `cancel`, `input_items`; nil where nothing does.
    var rest: String?

    /// - Parameters:
    ///   - path: what follows `/v1`, with nothing left that is percent-encoded.
    ///   - method: some paths below `/responses` are no ids when they are posted to.
    init?(_ path: String, method: String) {
        var segments = path.split(separator: "/", omittingEmptySubsequences: false).dropFirst()
        // Some servers care for the case of a path, some do not.
        guard segments.popFirst()?.lowercased() == "responses", let id = segments.popFirst(), !id.isEmpty else {
            return nil
        }
        // A slash at the end says nothing.
        if segments.last?.isEmpty == true { segments.removeLast() }
        if method == "POST", segments.isEmpty, ["compact", "input_tokens"].contains(id) { return nil }
        self.id = String(id)
        let rest = segments.joined(separator: "/")
        self.rest = rest.isEmpty ? nil : rest
    }
}
