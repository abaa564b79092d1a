import ProbeProtocol

/// How many streams are open at a time, and whose limit that is.
@available(freshet 0.1, *)
extension Diagnosis {
    private enum Limit: String {
        case proxy, server
        /// Somebody refuses, and there is no other way to the server that would tell who.
        case unknown
    }

    /// By the origin's own clock: when streams arrive here says nothing where they are held back.
    func concurrency() -> Finding? {
        let streams = evidence.crowd(.proxied)
        let intervals = streams.compactMap { stream in
            stream.meta.map { ($0.opened, $0.opened + Double(stream.plan.milliseconds)) }
        }
        guard streams.count == Evidence.crowd else { return nil }
        let most = intervals.map { one in intervals.count { $0.0 <= one.0 && one.0 < $0.1 } }.max() ?? 0
        let nonces = Set(streams.compactMap { $0.meta?.nonce })
        guard most < Evidence.crowd, nonces.count == intervals.count else { return nil }
        let refused = streams.filter { $0.meta == nil }
        let refusals = refused.compactMap(\.refusal)
        // What concerns probes and no other streams is told as a note.
        guard !refusals.contains(where: { Self.isOfProbes($0) }) else { return nil }
        // Nothing came: that is no limit, but something else that is wrong.
        guard !intervals.isEmpty || refusals.contains(where: \.isOfLimit) else { return nil }
        let limit = limit(refusals)
        let isMultiplexed = Self.isMultiplexed(streams)
        return Finding(
            .concurrency,
            .warning,
            layer: layer(limit),
            evidence:
                "Of \(Evidence.crowd) streams at once\(isMultiplexed ? " on one HTTP/2 connection" : "") the server had at most \(most) at one time"
                + Self.said(refused.count, refusals) + Self.said(limit, refusals),
            remedy: remedy(limit, refusals, isMultiplexed),
            figures: [
                "streams": .whole(most), "of": .whole(Evidence.crowd), "refused": .whole(refused.count),
                "limit": .text(limit.rawValue), "connections": .whole(isMultiplexed ? 1 : Evidence.crowd),
            ]
        )
    }

    /// What says nothing of other streams: the server has many probes, or is about to stop.
    private static func isOfProbes(_ refusal: Refusal) -> Bool {
        ["too-many-probes", "draining"].contains(refusal.code)
    }

    private func limit(_ refusals: [Refusal]) -> Limit {
        let tooMany = refusals.filter(\.isOfLimit)
        guard !tooMany.isEmpty else { return .proxy }
        if tooMany.contains(where: { $0.code != nil }) { return .server }
        let direct = evidence.crowd(.direct)
        if direct.isEmpty { return .unknown }
        return direct.contains { $0.refusal?.isOfLimit ?? false } ? .server : .proxy
    }

    private func layer(_ limit: Limit) -> String {
        switch limit {
        case .proxy: layer("a proxy with a limit of connections to the server, such as HAProxy's maxconn")
        case .server: "the server itself"
        case .unknown: "the server itself, or a proxy with a limit"
        }
    }

    private static func said(_ count: Int, _ refusals: [Refusal]) -> String {
        guard count > 0 else { return "; the others waited for those to end." }
        let titles = Set(refusals.map(\.title)).sorted().joined(separator: ", ")
        return "; \(count) had no stream of it" + (titles.isEmpty ? "." : ", but \(titles).")
    }

    private static func said(_ limit: Limit, _ refusals: [Refusal]) -> String {
        switch limit {
        case .proxy: ""
        case .server:
            refusals.contains { $0.code != nil }
                ? " That is the server's own response, and no proxy's." : " Straight to the origin it is the same."
        case .unknown: " Whose limit that is, the same beside the proxy tells: --origin URL."
        }
    }

    private static func isMultiplexed(_ streams: [StreamObservation]) -> Bool {
        streams.contains { $0.head?.version == "2" }
    }

    /// How the streams were opened, where that is not as the reader may think.
    package var crowdNotes: [String] {
        Self.isMultiplexed(evidence.crowd(.proxied))
            ? ["Eight streams at once were opened on one HTTP/2 connection, as a browser opens them."] : []
    }

    private func remedy(_ limit: Limit, _ refusals: [Refusal], _ isMultiplexed: Bool) -> String {
        switch limit {
        case .proxy:
            Remedy.of(
                .concurrency,
                at: layers,
                otherwise: "Raise the number of connections that the proxy opens to the server: each stream is one."
                    + (isMultiplexed
                        ? " Or it is how many streams a client's HTTP/2 connection may have (nginx: "
                            + "http2_max_concurrent_streams; HAProxy: tune.h2.max-concurrent-streams)." : "")
            )
        case .server:
            refusals.contains { $0.code == "too-many-connections" }
                ? "freshet serve --connections-per-address 0: behind a proxy every client has the proxy's address. Where that is "
                    + "so already, a larger --connections."
                : "Raise the server's own limit of connections or of requests."
        case .unknown: "Raise the limit of connections, or of requests, of the server or of the proxy."
        }
    }

    /// What the server refused because of itself.
    package var refusalNotes: [String] {
        let refusals = evidence.refusalsOfServer
        return Set(refusals.map(\.title)).sorted().map { title in
            let count = refusals.count { $0.title == title }
            return "The server itself refused \(count) of the doctor's streams (\(title))"
                + (title.hasSuffix("too-many-probes")
                    ? ": it answers only so many probes at a time. Try again when others are over." : ".")
        }
    }
}
