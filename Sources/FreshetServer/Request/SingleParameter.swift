/// The query parameters of streams and their list, each of which stands once, for the same reason as a `SingleField`.
@available(freshet 0.1, *)
enum SingleParameter {
    private static let names = [
        "offset", "live", "as", "when", "cursor", "prefix", "limit", "state", "sort", "search", "figures",
        "stream",
    ]
    /// Names of one and the same parameter.
    private static let spellings = [LastEventID.parameters]
    private static let paths = ["/v1/stream/", "/v1/streams", "/v1/readers"]

    /// The first of them that is sent more than once; nil when there is none, and for a path of somebody else.
    static func repeated(in target: RequestTarget) -> String? {
        guard target.query.count > 1, paths.contains(where: { target.rawPath.utf8.starts(with: $0.utf8) }) else {
            return nil
        }
        if let name = names.first(where: { target.values($0).count > 1 }) { return name }
        for spellings in spellings {
            let sent = target.query.filter { spellings.contains($0.name) }
            if sent.count > 1 { return sent[1].name }
        }
        return nil
    }
}
