import ProbeProtocol

/// The order of the probes: which come next, by what the ones before have shown. A machine without sockets or clocks.
@available(freshet 0.1, *)
package struct Examination: Sendable {
    package struct Options: Sendable {
        /// Whether the origin can be reached beside the proxy.
        package var hasOrigin = false
        /// Seconds of silence to try; nil for not at all.
        package var idleSeconds: Int?
        /// Makes the names of probes different from those of all other runs.
        package var prefix: String

        package init(prefix: String) {
            self.prefix = prefix
        }
    }

    /// What is tried at the same time.
    package struct Step: Sendable {
        /// What is being done, for whoever waits.
        package var title: String
        package var probes: [Probe]
        /// Whether they are what one page does: streams on one connection, where that can be.
        package var isOfOnePage = false
    }

    private enum State {
        case reach, upload, crowd(Probe.Route), trickle(Int), remedies(Int), ramps, manners, over
    }

    private static let mostAttempts = 3

    package let options: Options
    package private(set) var findings = Evidence()
    private var state = State.reach
    private var serial = 0

    package init(options: Options) {
        self.options = options
    }

    /// What to try next; nil when everything was tried.
    package mutating func next() -> Step? {
        switch state {
        case .reach: Step(title: "reaching the server", probes: reach())
        case .upload: Step(title: "sending a body again, since it came late", probes: uploads())
        case .crowd(let route):
            Step(
                title: "opening eight streams at once" + (route == .direct ? ", straight to the origin" : ""),
                probes: crowd(route),
                isOfOnePage: true
            )
        case .trickle(let attempt):
            Step(
                title: attempt == 1 ? "timing single events" : "timing single events again, since some were late",
                probes: trickles()
            )
        case .remedies(let attempt):
            Step(
                title: attempt == 1
                    ? "trying what lets them through" : "trying again what lets them through, since some were late",
                probes: remedies()
            )
        case .ramps: Step(title: "measuring what holds them", probes: ramps())
        case .manners:
            Step(
                title: "tearing, sharing and leaving streams"
                    + (options.idleSeconds.map { ", and being silent for \($0) s" } ?? ""),
                probes: manners()
            )
        case .over: nil
        }
    }

    /// Takes what a step has shown.
    package mutating func record(_ observations: [ProbeLabel: Observation]) {
        switch state {
        case .reach:
            findings.take(observations)
            let isReached = findings.isReached(.proxied) && (!options.hasOrigin || findings.isReached(.direct))
            state = !isReached ? .over : findings.isUploadHeld ? .upload : .crowd(.proxied)
        case .upload:
            findings.takeUploads(observations)
            state = .crowd(.proxied)
        case .crowd(let route):
            findings.take(observations)
            // Whose limit it is shows on the other way.
            let asksOrigin = route == .proxied && options.hasOrigin && findings.isCrowdRefused(.proxied)
            state = asksOrigin ? .crowd(.direct) : findings.isReplayed ? .manners : .trickle(1)
        case .trickle(let attempt):
            findings.takeTrickles(observations)
            if findings.isReplayed {
                state = .manners
            } else if attempt < Self.mostAttempts, findings.isControlUnfit || findings.isNearlyLive {
                state = .trickle(attempt + 1)
            } else if findings.isControlUnfit || findings.held.isEmpty {
                state = .manners
            } else {
                state = .remedies(1)
            }
        case .remedies(let attempt):
            findings.takeRemedies(observations)
            let isUnclear = findings.isRemedyControlUnfit || findings.isRemedyNearlyLive
            state = isUnclear && attempt < Self.mostAttempts ? .remedies(attempt + 1) : .ramps
        case .ramps:
            findings.take(observations)
            state = .manners
        case .manners:
            findings.take(observations)
            state = .over
        case .over: break
        }
    }

    // MARK: The steps

    private var routes: [Probe.Route] { options.hasOrigin ? [.proxied, .direct] : [.proxied] }

    private mutating func name() -> String {
        serial += 1
        return "\(options.prefix)x\(serial)"
    }

    /// The uploads are here, where nothing else waits for a connection of the proxy's.
    private mutating func reach() -> [Probe] {
        let times = routes.flatMap { route in
            (0..<5).map { index in
                var probe = Probe(.reach(route, index), .time)
                probe.route = route
                probe.startsAfter = index * 40
                return probe
            }
        }
        return times + uploads()
    }

    private mutating func crowd(_ route: Probe.Route) -> [Probe] {
        (0..<Evidence.crowd).map { index in
            var probe = Probe(.crowd(route, index), .stream(ProbePlan(name: name(), events: 6, gaps: [250])))
            probe.route = route
            // One after the other, should only one be let through at a time.
            probe.patience = 15_000
            return probe
        }
    }

    private mutating func trickle(
        _ label: ProbeLabel,
        like variant: Variant,
        hints: Set<ProbeHint>? = nil,
        form: ProbeForm? = nil
    ) -> Probe {
        var plan = ProbePlan(name: name(), events: 12, delay: variant.delay, gaps: variant.gaps)
        plan.hints = hints ?? variant.hints
        plan.form = form ?? variant.form
        var probe = Probe(label, .stream(plan))
        probe.acceptEncoding = variant.acceptEncoding
        return probe
    }

    private mutating func trickles() -> [Probe] {
        var probes: [Probe] = []
        for variant in Variant.allCases { probes.append(trickle(.trickle(variant), like: variant)) }
        return probes + control()
    }

    /// What streams are held against that are tried at the same time.
    private mutating func control() -> [Probe] {
        var control = trickle(.control, like: .hinted)
        control.route = .direct
        if options.hasOrigin { return [control] }
        guard case .stream(let plan) = control.kind else { return [] }
        return (0..<plan.events).map { index in
            var pulse = Probe(.pulse(index), .time)
            pulse.startsAfter = plan.moment(of: index)
            return pulse
        }
    }

    private var heldInOrder: [(Context, Variant)] {
        Context.allCases.compactMap { context in findings.held[context].map { (context, $0) } }
    }

    private mutating func remedies() -> [Probe] {
        var probes: [Probe] = []
        for (context, variant) in heldInOrder {
            for trial in RemedyTrial.allCases {
                let hints: Set<ProbeHint> =
                    switch trial {
                    case .noBuffering: [.noCache, .noBuffering]
                    case .noTransform: [.noCache, .noTransform]
                    case .identity: variant.hints.union([.identity])
                    case .json: variant.hints
                    }
                probes.append(
                    trickle(.remedy(context, trial), like: variant, hints: hints, form: trial == .json ? .json : nil)
                )
            }
        }
        return probes + control()
    }

    private mutating func ramps() -> [Probe] {
        var probes: [Probe] = []
        for (context, variant) in heldInOrder {
            for rate in Rate.allCases {
                var plan = ProbePlan(name: name(), events: rate.events, eventBytes: 1000, gaps: [rate.gap])
                plan.hints = variant.hints
                plan.form = variant.form
                var probe = Probe(.ramp(context, rate), .stream(plan))
                probe.acceptEncoding = variant.acceptEncoding
                probes.append(probe)
            }
        }
        return probes
    }

    private mutating func manners() -> [Probe] {
        var probes: [Probe] = []
        for death in ProbePlan.Death.allCases {
            var plan = ProbePlan(name: name(), events: 8, gaps: [100])
            plan.death = death
            plan.deathAfter = 4
            probes.append(Probe(.death(death), .stream(plan)))
        }
        for noCache in [false, true] {
            // One URL for all three.
            var plan = ProbePlan(name: name(), events: 8, gaps: [200])
            plan.hints = noCache ? ProbeHint.ofFreshet : [.noBuffering, .comment]
            for (index, start) in [0, 700, 2400].enumerated() {
                var probe = Probe(.share(noCache: noCache, index), .stream(plan))
                probe.startsAfter = start
                probes.append(probe)
            }
        }
        probes.append(
            Probe(
                .departure(quiet: true),
                .departure(ProbePlan(name: name(), events: 2, gaps: [8000]), after: 700, asks: 4000)
            )
        )
        probes.append(
            Probe(
                .departure(quiet: false),
                .departure(ProbePlan(name: name(), events: 24, gaps: [500]), after: 700, asks: 9000)
            )
        )
        if let seconds = options.idleSeconds {
            probes.append(
                Probe(
                    .idle(quiet: true),
                    .stream(ProbePlan(name: name(), events: 2, gaps: [seconds * 1000]))
                )
            )
            probes.append(
                Probe(.idle(quiet: false), .stream(ProbePlan(name: name(), events: seconds + 1, gaps: [1000])))
            )
        }
        return probes
    }

    private mutating func uploads() -> [Probe] {
        let gaps = [0] + Variant.hinted.gaps
        let moments = gaps.indices.map { index in gaps[...index].reduce(0, +) }
        return routes.map { route in
            var probe = Probe(.upload(route), .upload(name: name(), moments: moments))
            probe.route = route
            return probe
        }
    }
}
