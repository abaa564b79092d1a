import Locks
package import Logging
package import StreamCore

/// The lines of what a server does, each about one thing that happened: a request that failed, a reader that was
/// evicted, an answer that was relayed.
///
/// Whoever floods the server does not flood its log, and does not make it slow: of each kind only so many lines are
/// written in a second, and then one that counts what was left out. No line has a query, a key or a cookie.
@available(freshet 0.1, *)
package final class ServerLog: Sendable {
    package enum Kind: String, CaseIterable, Sendable {
        case failedRequest = "failed requests"
        case evictedReader = "evicted readers"
        case tornResponse = "torn responses"
        case relayedAnswer = "relayed answers"
        case failedCall = "failed calls of upstreams"
        case passedCall = "calls that were passed on"
    }

    private let logger: Logger
    private let time: any TimeSource
    private let throttles = Mutex([Kind: LogThrottle]())

    package init(_ logger: Logger, time: any TimeSource = SystemTime()) {
        self.logger = logger
        self.time = time
    }

    /// One that writes nothing.
    package static let none = ServerLog(Logger(label: "freshet") { _ in SwiftLogNoOpLogHandler() })

    package func write(
        _ kind: Kind,
        _ level: Logger.Level,
        _ message: Logger.Message,
        _ metadata: () -> Logger.Metadata
    ) {
        guard logger.logLevel <= level else { return }
        let now = time.monotonic()
        guard case .write(let leftOut) = throttles.withLock({ $0[kind, default: LogThrottle()].decide(at: now) }) else {
            return
        }
        var metadata = metadata()
        if leftOut > 0 { metadata["left-out"] = .stringConvertible(leftOut) }
        logger.log(level: level, message, metadata: metadata)
    }

    /// Tells what was left out when the flood is over: called now and then.
    package func tellLeftOut() {
        let now = time.monotonic()
        let found = throttles.withLock { throttles -> [(Kind, Int)] in
            guard !throttles.isEmpty else { return [] }
            return Kind.allCases.compactMap { kind in
                throttles[kind]?.takeLeftOut(at: now).map { (kind, $0) }
            }
        }
        for (kind, count) in found {
            logger.info(
                "Lines were left out.",
                metadata: ["kind": "\(kind.rawValue)", "left-out": .stringConvertible(count)]
            )
        }
    }
}

@available(freshet 0.1, *)
extension ServerLog {
    /// A request whose response says that it failed.
    ///
    /// - Parameter head: nil for what never became a request.
    func failed(
        _ head: RequestHead?,
        status: Int,
        problem: String?,
        from peer: String,
        _ isSecret: (String) -> Bool = { _ in false }
    ) {
        guard status >= 400 else { return }
        write(.failedRequest, status >= 500 ? .warning : .info, "A request failed.") {
            var metadata: Logger.Metadata = ["status": .stringConvertible(status), "address": "\(peer)"]
            if let head {
                metadata["method"] = "\(LoggedText.short(head.method.rawValue, 20))"
                metadata["path"] = "\(LoggedText.path(of: head.uri, isSecret))"
                metadata["trace_id"] = TraceParent.traceID(in: head.headers).map { "\($0)" }
            }
            metadata["problem"] = problem.map { "\($0)" }
            return metadata
        }
    }

    /// A reader that took nothing for too long.
    ///
    /// - Parameter name: nil where what it was to take is no stream's, or it is not known any more.
    func evicted(_ name: StreamName?, form: String, from peer: String) {
        write(.evictedReader, .info, "A reader that accepted no data was disconnected.") {
            var metadata: Logger.Metadata = ["form": "\(form)", "address": "\(peer)"]
            metadata["stream"] = name.map { "\(LoggedText.short($0.text, 200))" }
            return metadata
        }
    }

    /// A response that could not be completed, after its head was sent.
    func torn(_ name: StreamName, from peer: String) {
        write(.tornResponse, .info, "A response was cut short.") {
            ["stream": "\(LoggedText.short(name.text, 200))", "address": "\(peer)"]
        }
    }
}
