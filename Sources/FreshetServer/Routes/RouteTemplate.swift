import TextCodecs

/// The paths of the server's own routes, as traces name them: with `{name}` for what clients choose.
@available(freshet 0.1, *)
enum RouteTemplate {
    static let health = "/health"
    static let session = "/v1/session"

    private static let whole: Set<String> = [
        health, session, MetricsRoute.path, NodeRoute.path, NodeRoute.nodesPath, InspectionRoutes.path,
        ListingRoutes.path,
    ]
    private static let folders = [StreamRoutes.prefix, "\(ListingRoutes.path)/"]

    /// Nil for a path that none of these routes is for.
    static func of(_ path: String) -> String? {
        if whole.contains(path) || BrowserModules.isModule(path) || ProbeAccess.covers(path) { return path }
        let folder = folders.first { path.begins(withBytesOf: $0) && path.utf8.count > $0.utf8.count }
        return folder.map { "\($0){name}" }
    }
}
