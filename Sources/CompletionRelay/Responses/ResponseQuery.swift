import StreamHTTP

/// What the query of a `GET` of a response asks for.
@available(freshet 0.1, *)
struct ResponseQuery: Sendable, Equatable {
    var isStreaming: Bool
    var startingAfter: Int?

    init(_ query: String) throws(Problem) {
        let query = QueryText(query)
        isStreaming = try Self.single("stream", of: query).map { ["true", "1"].contains($0.lowercased()) } ?? false
        guard let text = try Self.single("starting_after", of: query) else { return }
        guard let number = Int(text) else { throw .badStartingAfter }
        startingAfter = number
    }

    private static func single(_ name: String, of query: QueryText) throws(Problem) -> String? {
        let values = query.values(of: name)
        guard values.count < 2 else { throw .repeatedParameter(name) }
        return values.first
    }
}
