import StreamHTTP

/// What the query of a `GET` of a response asks for.
struct ResponseQuery: Sendable, Equatable {
    var isStreaming: Bool
    var startingAfter: Int?

    init(_ query: String) throws(Problem) {
        let query = QueryText(query)
        isStreaming = query.values(of: "stream").contains { ["true", "1"].contains($0.lowercased()) }
        for value in query.values(of: "starting_after") {
            guard let number = Int(value) else { throw .badStartingAfter }
            startingAfter = number
        }
    }
}
