import Locks
import StreamCore
import StreamHTTP
import TextCodecs

/// What this node says to the others of its store, and what they say.
@available(freshet 0.1, *)
extension NodeRoute {
    /// How often it says what it does.
    private static let interval = Duration.seconds(1)

    /// It listens, and is known by that.
    func listens(on port: Int) { standing.withLock { $0.listens(on: port) } }

    /// It is being shut down, and the others learn it.
    func drains() async {
        standing.withLock { $0.isDraining = true }
        await report()
    }

    /// Says once a second what the node does, until the task is cancelled. Where nobody shares the store nobody is told.
    func reportForEver() async {
        guard source.withLock(\.self)?.plane.streams.isShared == true else { return }
        let clock = EventLoopClock()
        while !Task.isCancelled {
            await report()
            try? await clock.sleep(for: Self.interval)
        }
    }

    func report() async {
        guard let source = source.withLock(\.self), source.plane.streams.isShared else { return }
        let report = await report(of: source)
        // One that is gone meanwhile says nothing more.
        self.source.withLock { if $0 != nil { source.plane.streams.report(report) } }
    }

    private func report(of source: ServerMetrics) async -> NodeReport {
        let loops = await source.counts()
        let streams = source.plane.streams.metrics
        let standing = standing.withLock(\.self)
        return NodeReport(
            name: standing.name,
            version: FreshetVersion.number,
            started: started,
            isDraining: standing.isDraining,
            connections: source.connections?() ?? 0,
            readers: loops.followers,
            openProducers: streams.openProducers,
            appends: streams.appends,
            events: streams.events,
            deliveries: loops.deliveries,
            memory: ProcessMetrics.residentBytes
        )
    }

    func nodesResponse() async -> Response {
        guard let source = source.withLock(\.self) else { return Response(.draining) }
        let streams = source.plane.streams
        do throws(StoreError) {
            let others = try await streams.livingNodes()?.filter { !$0.isSelf } ?? []
            // Of itself it knows more than it said.
            let report = await report(of: source)
            let own = LivingNode(session: streams.session ?? "", isSelf: true, report: report, age: .zero)
            let nodes = ([own] + others).sorted { ($0.report.name, $0.session) < ($1.report.name, $1.session) }
            let body = JSONWriter.object { list in
                list.member(
                    "nodes",
                    array: { list in for node in nodes { list.element(object: { Self.describe(node, in: &$0) }) } }
                )
            }
            return .json(body + "\n".utf8)
        } catch {
            return Response(Problem(error))
        }
    }

    private static func describe(_ node: LivingNode, in object: inout JSONWriter) {
        let report = node.report
        object.member("session", node.session.isEmpty ? nil : node.session)
        object.member("name", report.name)
        object.member("self", node.isSelf)
        object.member("said", raw: "\(node.age / .seconds(1))".utf8)
        object.member("state", report.isDraining ? "draining" : "ready")
        object.member("version", report.version)
        object.member("started", Timestamp.text(milliseconds: report.started))
        object.member("connections", report.connections)
        object.member("readers", report.readers)
        object.member("producers", report.openProducers)
        object.member("appends", report.appends)
        object.member("events", report.events)
        object.member("deliveries", report.deliveries)
        object.member("memory", report.memory)
    }
}

@available(freshet 0.1, *)
extension DataPlaneMetrics {
    /// Those who follow a stream now, in whatever form.
    var followers: Int { readers.values.reduce(longPolls, +) }
}

@available(freshet 0.1, *)
extension Streams {
    /// What a store elsewhere calls this node; nil for any other.
    var session: String? { (store as? any ObservedStore)?.standing.session }
}
