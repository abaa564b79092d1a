import FreshetServer
import Logging
import PrintableText
import StreamHTTP

/// Asks a program who sends a request. What it cannot say for an error of its own is refused.
struct ProgramGate: Gatekeeper {
    let authorise: @Sendable (RequestHead) async throws -> AccessDecision
    let logger: Logger

    func identify(_ request: RouteRequest) async -> Result<Admission, Problem>? {
        do {
            return try await authorise(RequestHead(request)).verdict
        } catch {
            logger.error(
                "Who may could not be decided; the request is refused.",
                metadata: ["error": "\(PrintableText.escaped("\(error)"))"]
            )
            return .failure(Problem(RequestFailure.broken))
        }
    }
}
