import StreamCore
import StreamHTTP

/// Why a request of the demo cannot be answered as asked.
@available(freshet 0.1, *)
enum DemoFailure: Error {
    case problem(Problem)
    case store(StoreError)

    static func invalid(_ detail: String, status: Int = 400) -> DemoFailure {
        .problem(Problem(status, "invalid-question", title: "The request cannot be understood", detail: detail))
    }

    var asProblem: Problem {
        switch self {
        case .problem(let problem): problem
        case .store(.full(let bound)):
            Problem(
                507,
                "store-full",
                title: "Store full",
                detail: "The server has reached its limit of \(bound.rawValue). Restart the demo, or raise the limit."
            )
        case .store:
            Problem(
                503,
                "store-unavailable",
                title: "Store unavailable",
                detail: "Nothing was changed. Ask again in a moment.",
                headers: [HeaderField("Retry-After", "2")]
            )
        }
    }
}
