import FreshetServer
import Logging
import PrintableText
import StreamHTTP

/// Asks a program who sends a request. What it cannot say for an error of its own is refused, unless it is open already.
@available(freshet 0.1, *)
struct ProgramGate: Authenticator {
    let authorise: @Sendable (RequestHead) async throws -> AccessDecision
    let logger: Logger

    func authenticate(_ request: RouteRequest, _ facts: RequestFacts, now: Int64) -> Authentication {
        .later {
            do {
                switch try await authorise(RequestHead(request)).verdict {
                case .success(let admission): return .admitted(admission)
                case .failure(let problem): return .refused(problem)
                case nil: return .undecided
                }
            } catch {
                logger.error(
                    "The authorise closure failed: a new request is refused, an open one keeps what it has.",
                    metadata: ["error": "\(PrintableText.escaped("\(error)"))"]
                )
                return .refused(Problem(RequestFailure.broken))
            }
        }
    }
}
