import Locks
package import StreamCore
import StreamHTTP
import TextCodecs

/// `GET /v1/node`: what this node does now, and did in the last hour; `GET /v1/nodes`: what all nodes do now.
@available(freshet 0.1, *)
package final class NodeRoute: Sendable {
    static let path = "/v1/node"
    static let nodesPath = "/v1/nodes"
    let source = Mutex<ServerMetrics?>(nil)
    private let history = Mutex(NodeHistory())
    let time: any TimeSource
    let started: UInt64
    let standing = Mutex(NodeStanding())

    package init(time: any TimeSource) {
        self.time = time
        self.started = time.wallMilliseconds()
    }

    /// What is told from now on; nothing when the server is gone. The server that counts is made after the routes that
    /// it serves.
    func begin(_ source: ServerMetrics?) { self.source.withLock { $0 = source } }

    func plan(_ request: RouteRequest, _ caller: RouteCaller) -> RequestPlan? {
        let path = request.target.rawPath
        guard path == Self.path || path == Self.nodesPath else { return nil }
        guard request.head.method == .GET || request.head.method == .HEAD else {
            return .respond(Response(.method(allowed: "GET, HEAD, OPTIONS")))
        }
        if let problem = caller.refusal(.inspect, "") { return .respond(Response(problem)) }
        return .act { [self] in await .response(path == Self.path ? response() : nodesResponse()) }
    }

    // MARK: The last hour

    /// Notes what was done, every ten seconds, until the task is cancelled.
    func noteForEver() async {
        let clock = EventLoopClock()
        while true {
            try? await clock.sleep(for: NodeHistory.step)
            if Task.isCancelled { return }
            await note()
        }
    }

    func note() async {
        guard let source = source.withLock(\.self) else { return }
        let counts = NodeHistory.Counts(await source.counts(), source.plane.streams)
        history.withLock { $0.add(counts, at: time.wallMilliseconds()) }
    }

    // MARK: What is told

    private func response() async -> Response {
        guard let source = source.withLock(\.self) else { return Response(.draining) }
        let loops = await source.counts()
        let streams = source.plane.streams
        let history = history.withLock(\.self)
        let body = JSONWriter.object { node in
            node.member("session", streams.session)
            node.member("name", standing.withLock(\.name))
            node.member("version", FreshetVersion.number)
            node.member("started", Timestamp.text(milliseconds: started))
            node.member("now", Timestamp.text(milliseconds: time.wallMilliseconds()))
            node.member("streams", streams.store.usage.streams)
            node.member("bytes", streams.store.usage.bytes)
            node.member("connections", source.connections?() ?? 0)
            node.member(
                "readers",
                object: { readers in
                    for form in EventForm.allCases { readers.member(form.label, loops.readers[form] ?? 0) }
                    readers.member("long-poll", loops.longPolls)
                    readers.member("waiting", loops.heldReaders)
                }
            )
            node.member("memory", ProcessMetrics.residentBytes)
            Self.describe(streams.metrics, loops, syncs: streams.store.syncTimes, in: &node)
            node.member("hour", object: { Self.describe(history, in: &$0) })
        }
        return .json(body + "\n".utf8)
    }

    private static func describe(
        _ streams: StreamsMetrics,
        _ loops: DataPlaneMetrics,
        syncs: LatencyHistogram,
        in node: inout JSONWriter
    ) {
        node.member("appends", streams.appends)
        node.member("events", streams.events)
        node.member("deliveries", loops.deliveries)
        let times = [("append", streams.appendTimes), ("sync", syncs), ("delivery", loops.deliveryTimes)]
        for (name, histogram) in times {
            node.member(
                "\(name)Seconds",
                object: { seconds in
                    seconds.member("p50", raw: number(histogram.quantile(0.5)).utf8)
                    seconds.member("p99", raw: number(histogram.quantile(0.99)).utf8)
                }
            )
        }
    }

    private static func describe(_ history: NodeHistory, in hour: inout JSONWriter) {
        func column(_ name: String, _ text: (NodeHistory.Part) -> String) {
            hour.member(name, raw: "[\(history.parts.map(text).joined(separator: ","))]".utf8)
        }
        hour.member("step", Int(NodeHistory.step.components.seconds))
        hour.member("until", history.end.map { Timestamp.text(milliseconds: $0) })
        column("appends") { "\($0.appends)" }
        column("events") { "\($0.events)" }
        column("deliveries") { "\($0.deliveries)" }
        column("readers") { "\($0.readers)" }
        column("memory") { $0.memory.map { "\($0)" } ?? "null" }
        column("syncP99") { number($0.sync) }
    }

    private static func number(_ duration: Duration?) -> String { duration.map { "\($0 / .seconds(1))" } ?? "null" }
}

@available(freshet 0.1, *)
extension NodeHistory.Counts {
    init(_ loops: DataPlaneMetrics, _ streams: Streams) {
        let metrics = streams.metrics
        self.init(
            appends: metrics.appends,
            events: metrics.events,
            deliveries: loops.deliveries,
            syncs: streams.store.syncTimes,
            readers: loops.followers,
            memory: ProcessMetrics.residentBytes
        )
    }
}
