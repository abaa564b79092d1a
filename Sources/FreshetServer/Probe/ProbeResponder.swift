package import StreamCore
package import StreamHTTP

/// A server that has nothing but the probe: the throw-away origin of `freshet doctor --listen`.
@available(freshet 0.1, *)
package struct ProbeResponder: Responder {
    private let routes: ProbeRoutes
    private let who: AuthenticatorChain
    private let time: any TimeSource

    package init(access: ProbeAccess, time: any TimeSource = SystemTime()) {
        self.routes = ProbeRoutes(access: access)
        self.who = AuthenticatorChain([access])
        self.time = time
    }

    package func plan(for sent: RequestHead, _ facts: ConnectionFacts) -> RequestPlan {
        let head: RequestHead
        do throws(Problem) {
            head = try RequestScreening.screened(sent)
        } catch {
            return .respond(Response(error))
        }
        let request = RouteRequest(head: head, target: RequestTarget(head.uri), facts: facts)
        let now = Int64(time.wallMilliseconds() / 1000)
        if let plan = routes.plan(request) {
            switch who.authenticate(request, RequestFacts(head), now: now) {
            case .now(.success): return plan
            case .now(.failure(let problem)): return .respond(Response(problem))
            case .later(let identify):
                return .later {
                    switch await identify() {
                    case .success: plan
                    case .failure(let problem): .respond(Response(problem))
                    }
                }
            }
        }
        return .respond(
            Response(
                Problem(
                    404,
                    "no-such-path",
                    title: "Path not found",
                    detail: "This is `freshet doctor --listen`, which has a probe at /v1/probe and nothing else."
                )
            )
        )
    }

    package func respond(to failure: RequestFailure, head: RequestHead?) -> Response { Response(Problem(failure)) }

    package func commonFields(for head: RequestHead?) -> [HeaderField] { Self.everyResponse }

    private static let everyResponse = [HeaderField("X-Content-Type-Options", "nosniff")]
}
