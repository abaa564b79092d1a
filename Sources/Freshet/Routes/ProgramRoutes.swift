import FreshetServer
import Logging
import PrintableText
import StreamHTTP
import Tracing

/// A program's own routes, as the server asks them.
@available(freshet 0.1, *)
struct ProgramRoutes: RouteGroup {
    private let routes: [(route: Route, pattern: PathPattern)]
    private let logger: Logger

    /// - Throws: `SetupError` with everything that is wrong with their paths.
    init(_ routes: [Route], _ logger: Logger) throws(SetupError) {
        var problems: [String] = []
        var parsed: [(Route, PathPattern)] = []
        for route in routes {
            do throws(SetupError) {
                parsed.append((route, try PathPattern(route.path)))
            } catch {
                problems += error.problems
            }
        }
        guard problems.isEmpty else { throw SetupError(problems) }
        self.routes = parsed
        self.logger = logger
    }

    func isPublic(_ request: RouteRequest) -> Bool {
        routes.contains { $0.pattern.match(request.target.rawPath) != nil }
    }

    func route(of target: RequestTarget, _ head: StreamHTTP.RequestHead) -> String? {
        let found = routes.filter { $0.pattern.match(target.rawPath) != nil }
        let method = head.method.rawValue
        return (found.first { $0.route.method == method } ?? found.first)?.route.path
    }

    func plan(_ request: RouteRequest) -> RequestPlan? {
        let method = request.head.method.rawValue
        var allowed: [String] = []
        for (route, pattern) in routes {
            guard let parameters = pattern.match(request.target.rawPath) else { continue }
            if route.method == method || (route.method == "GET" && method == "HEAD") {
                return .exchange(exchange(route, request, parameters))
            }
            allowed += route.method == "GET" ? ["GET", "HEAD"] : [route.method]
        }
        return allowed.isEmpty
            ? nil : .respond(Response(.method(allowed: (allowed + ["OPTIONS"]).joined(separator: ", "))))
    }

    private func exchange(_ route: Route, _ request: RouteRequest, _ parameters: [String: String]) -> ExchangePlan {
        let logger = logger
        let trace = request.facts.trace
        return ExchangePlan(bodyLimit: route.bodyLimit) { body, writer in
            let request = ServerRequest(
                head: RequestHead(request),
                parameters: parameters,
                body: ServerRequest.Body(core: body)
            )
            do {
                guard let trace else { return try await route.handler(request).write(to: writer) }
                try await InstrumentationContext.withValue(trace) {
                    try await route.handler(request).write(to: writer)
                }
            } catch let error where error is ExchangeError || error is CancellationError {
                // The peer's doing, or the server's: nothing that the route's author could mend.
                throw error
            } catch {
                logger.error(
                    "A route failed.",
                    metadata: [
                        "route": "\(route.method) \(route.path)", "error": "\(PrintableText.escaped("\(error)"))",
                    ]
                )
                throw error
            }
        }
    }
}
