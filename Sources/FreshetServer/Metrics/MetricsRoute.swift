import Locks
import StreamHTTP

/// `GET /metrics`: the numbers of this node, in the Prometheus text format.
///
/// On a server with keys it wants one that may read every stream: the numbers are of all of them.
@available(freshet 0.1, *)
package final class MetricsRoute: Sendable {
    static let path = "/metrics"
    private let sources = Mutex<[any MetricsSource]>([])
    private let started: UInt64

    /// - Parameter started: when the server started, in milliseconds since 1970.
    package init(started: UInt64) {
        self.started = started
    }

    /// What is told from now on. The server that counts is made after the routes that it serves.
    func begin(_ sources: [any MetricsSource]) { self.sources.withLock { $0 = sources } }

    func plan(_ request: RouteRequest, _ caller: RouteCaller) -> RequestPlan? {
        guard request.target.rawPath == Self.path else { return nil }
        guard request.head.method == .GET || request.head.method == .HEAD else {
            return .respond(Response(.method(allowed: "GET, HEAD, OPTIONS")))
        }
        if let problem = caller.refusal(.read, "") { return .respond(Response(problem)) }
        return .act { [self] in await .response(response()) }
    }

    private func response() async -> Response {
        var families = ProcessMetrics(startedSeconds: Double(started) / 1000).families
        for source in sources.withLock(\.self) { families += await source.metrics() }
        return Response(
            200,
            headers: [HeaderField("Content-Type", MetricsText.contentType), StreamFields.noStore],
            body: Array(MetricsText.text(of: families).utf8)
        )
    }
}
