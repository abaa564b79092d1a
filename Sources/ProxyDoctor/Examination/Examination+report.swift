import ProbeProtocol

@available(freshet 0.1, *)
extension Examination {
    /// What the run came to.
    package func report(url: String, origin: String?) -> Report {
        let diagnosis = Diagnosis(findings)
        let found = diagnosis.findings()
        let verdict = diagnosis.verdict(of: found)
        var report = Report(
            url: url,
            origin: origin,
            usesProbe: true,
            verdict: verdict,
            summary: summary(verdict, found)
        )
        report.findings = found
        report.layers = diagnosis.layers.map(\.title)
        report.http = findings.times(.proxied).lazy.compactMap(\.head?.version).first
        report.fields = fieldChanges()
        report.timelines = timelines()
        report.notes += diagnosis.refusalNotes + diagnosis.crowdNotes
        if options.idleSeconds == nil {
            report.notes.append("Timeouts were not tried: --idle 65 finds those of a minute.")
        }
        if !options.hasOrigin {
            report.notes.append(
                "Delays are held against short responses on the same way: --origin URL adds a control beside the proxy."
            )
        }
        return report
    }

    private func summary(_ verdict: Report.Verdict, _ found: [Finding]) -> String {
        switch verdict {
        case .live:
            let warnings = found.count { $0.severity == .warning }
            return "Events arrive as they are sent."
                + (warnings == 0
                    ? "" : warnings == 1 ? " One thing is worth knowing." : " \(warnings) things are worth knowing.")
        case .fault(let code):
            return switch code {
            case .fullBuffer: "Something holds the whole response back until it is over."
            case .buffer: "Something collects events and lets them through in batches."
            case .compressionBuffer: "Something compresses the response and holds it back to do so."
            case .oneEventBehind: "Each event waits for the next one."
            case .headersHeld: "Something holds the head of the response back until there is a body."
            case .replayedFromCache: "A cache answers with what it has kept."
            case .sharedResponse: "Several readers are given one response."
            case .stripped: "Header fields are lost that streams need."
            case .idleCut: "Silent streams are cut before a heartbeat can save them."
            default: "Something does not let streams through as they are."
            }
        case .inconclusive:
            let isControlUnfit = findings.isControlUnfit
            return options.hasOrigin && isControlUnfit
                ? "The control, straight to the origin, was late itself: nothing can be said of what stands between. Try again "
                    + "on a machine with less to do."
                : isControlUnfit
                    ? "Short responses, which nothing holds back, were late themselves: this machine, the server or the network "
                        + "is too busy to judge by. Try again, or with --origin URL beside the proxy."
                    : findings.refusalsOfServer.isEmpty
                        ? "Too little came through to judge."
                        : "Too little came through to judge: the server itself refused streams because of its own limits."
        case .failed: return "The server could not be examined."
        }
    }

    /// How the head of a response differs from what was sent.
    private func fieldChanges() -> Report.FieldChanges {
        var changes = Report.FieldChanges()
        guard let stream = findings.stream(.trickle(.hinted)), let meta = stream.meta, let head = stream.head else {
            return changes
        }
        let framing: Set = ["connection", "date", "transfer-encoding", "content-length", "keep-alive"]
        for (name, value) in meta.sent.sorted(by: { $0.key < $1.key }) {
            guard let got = head[name] else {
                changes.removed.append("\(name): \(value)")
                continue
            }
            if got != value { changes.changed.append("\(name): \(value) -> \(got)") }
        }
        // What the server adds to every response of its own accord.
        let own = framing.union(["vary", "x-content-type-options", "cross-origin-resource-policy"])
        for field in head.fields where meta.sent[field.name] == nil && !own.contains(field.name) {
            changes.added.append("\(field.name): \(field.value)")
        }
        return changes
    }

    private func timelines() -> [Timeline] {
        var variants: [Variant] = [.hinted]
        for held in findings.held.values where !variants.contains(held) { variants.append(held) }
        var timelines = variants.compactMap { variant in
            findings.stream(.trickle(variant)).flatMap {
                timeline(
                    $0,
                    .proxied,
                    title: variant.hints == ProbeHint.ofFreshet ? "as Freshet sends it" : "without hints"
                )
            }
        }
        if let control = findings.stream(.control).flatMap({ timeline($0, .direct, title: "straight to the origin") }) {
            timelines.append(control)
        }
        return timelines
    }

    private func timeline(_ stream: StreamObservation, _ route: Probe.Route, title: String) -> Timeline? {
        guard let instance = stream.meta?.instance, !stream.events.isEmpty else { return nil }
        let base = findings.base(route)
        let coding = stream.head?.coding.map { ", \($0)" } ?? ""
        return Timeline(
            title: title + coding,
            sent: stream.events.compactMap { base.here(instance: instance, $0.sentAt).map { $0 - stream.sentAt } },
            arrived: stream.events.map { $0.at - stream.sentAt }
        )
    }
}
