import ProbeProtocol

@testable import ProxyDoctor

/// A network of the tests' own, with a clock that moves only when it is told to: carries out the steps of an
/// examination as a proxy of known habits would show them.
struct SimulatedWay {
    enum Rule {
        case live
        case all
        case size(Int)
        /// Lets go of what there is so many milliseconds after the first of it came.
        case timer(Double)
        case behind
        /// Single events are this much late, all others are live.
        case stutter(Double)
    }

    /// What is done to the body of a probe, by its plan and what its client takes.
    var rule: (ProbePlan, _ acceptEncoding: String) -> Rule = { _, _ in .live }
    /// What the response is coded with.
    var coding: (ProbePlan, _ acceptEncoding: String) -> String? = { _, _ in nil }
    var isReadable = true
    var holdsHead: (ProbePlan) -> Bool = { _ in false }
    var http = "1.1"
    var strips: Set<String> = []
    /// Fields that the response gains, or has in place of what was sent.
    var adds: [ResponseHead.Field] = []
    var removes: Set<String> = []
    /// The name that every response has, whatever was asked.
    var replays: String?
    var sharedNonce: (_ noCache: Bool) -> Bool = { _ in false }
    var mostStreams = 1000
    /// What is answered in place of one of the streams that are opened at once.
    var refuses: (Probe.Route, _ index: Int) -> Refusal? = { _, _ in nil }
    var death: (ProbePlan.Death) -> ResponseEnd = { _ in .torn("reset") }
    /// Milliseconds until the origin learns that a reader left; nil for never.
    var learns: (_ quiet: Bool) -> Double? = { _ in 5 }
    var cutsSilenceAfter: Double?
    var cutsAfter: Double?
    var cutEnd = ResponseEnd.torn("closed before the last chunk")
    /// The share of the time of an upload in which it arrives.
    var uploadSpread = 1.0
    /// The same at the second attempt.
    var laterUploadSpread: Double?
    var uploadStatus = 200
    /// How late the control is.
    var controlDelay: (_ event: Int) -> Double = { _ in 0 }
    /// The control of later attempts.
    var laterControlDelay: ((_ event: Int) -> Double)?
    /// How late the control of the remedies is, and how late their streams are, by the attempt.
    var remedyControlDelay: (_ attempt: Int, _ event: Int) -> Double = { _, _ in 0 }
    var remedyDelay: (_ attempt: Int, _ event: Int) -> Double = { _, _ in 0 }
    var reaches = true
    var reachesOrigin = true

    /// The origin's clock is another one.
    private static let clockDifference = 5_000_000.0
    private static let latency = 7.0
    private static let overhead = 40
    private var now = 1000.0
    private var attempts = 0
    private var remedyAttempts = 0
    private var uploadAttempts = 0
    private var triesRemedies = false

    init(_ change: (inout SimulatedWay) -> Void = { _ in }) { change(&self) }

    mutating func perform(_ step: Examination.Step) -> [ProbeLabel: Observation] {
        if step.probes.contains(where: { if case .trickle = $0.label { true } else { false } }) { attempts += 1 }
        triesRemedies = step.probes.contains { if case .remedy = $0.label { true } else { false } }
        if triesRemedies { remedyAttempts += 1 }
        if step.probes.contains(where: { $0.label == .upload(.proxied) }) { uploadAttempts += 1 }
        var observations: [ProbeLabel: Observation] = [:]
        for (order, probe) in step.probes.enumerated() { observations[probe.label] = observe(probe, order) }
        now += 100_000
        return observations
    }

    private func atOrigin(_ moment: Double) -> Double { moment + Self.clockDifference }

    private func observe(_ probe: Probe, _ order: Int) -> Observation {
        let sent = now + Double(probe.startsAfter)
        switch probe.kind {
        case .time:
            let reaches = probe.route == .direct ? reachesOrigin : reaches
            let report = reaches ? ProbeTime(instance: "one", now: atOrigin(sent + Self.latency)) : nil
            let head = ResponseHead(status: reaches ? 200 : 404)
            var at = sent + 2 * Self.latency
            if case .pulse(let index) = probe.label { at += controlLag(index) }
            return .time(TimeObservation(sentAt: sent, at: at, head: head, end: .complete, report: report))
        case .stream(let plan): return .stream(stream(plan, probe, sent))
        case .departure(let plan, let after, let asks):
            let left = sent + Double(after)
            let learnt = learns(plan.events == 2)
            var status = ProbeStatus(instance: "one", opened: atOrigin(sent))
            if let learnt, learnt < Double(asks) {
                status.end = .gone
                status.endedAt = atOrigin(left + learnt)
            }
            return .departure(
                DepartureObservation(plan: plan, leftAt: left, status: status, asked: learnt ?? Double(asks))
            )
        case .upload(_, let moments):
            let proxied = uploadAttempts > 1 ? laterUploadSpread ?? uploadSpread : uploadSpread
            let spread = probe.route == .direct ? 1 : proxied
            var report = ProbeUpload(instance: "one", http: http, opened: atOrigin(sent))
            report.moments = spread == 0 ? [atOrigin(sent)] : moments.map { atOrigin(sent) + Double($0) * spread }
            let status = probe.route == .direct ? 200 : uploadStatus
            return .upload(
                UploadObservation(
                    moments: moments,
                    head: ResponseHead(status: status),
                    end: .complete,
                    report: status == 200 ? report : nil
                )
            )
        }
    }

    private func controlLag(_ event: Int) -> Double {
        if triesRemedies { return remedyControlDelay(remedyAttempts, event) }
        return (attempts > 1 ? laterControlDelay ?? controlDelay : controlDelay)(event)
    }

    private func stream(_ plan: ProbePlan, _ probe: Probe, _ sent: Double) -> StreamObservation {
        let isDirect = probe.route == .direct
        let accepts = probe.acceptEncoding ?? "identity"
        var begun = sent + Self.latency
        if case .crowd(let route, let index) = probe.label, let refusal = refuses(route, index) {
            return refused(plan, probe, refusal, sent)
        }
        if case .crowd(_, let index) = probe.label, !isDirect {
            begun += Double(index / mostStreams) * Double(plan.milliseconds + 10)
        }
        var moments = (0..<plan.events).map { begun + Double(plan.moment(of: $0)) }
        var end = ResponseEnd.complete
        var isCut = false
        if let death = plan.death, !isDirect {
            moments = Array(moments.prefix(plan.deathAfter))
            end = self.death(death)
            isCut = true
        }
        if case .idle(let quiet) = probe.label {
            let cut = quiet ? [cutsSilenceAfter, cutsAfter].compactMap(\.self).min() : cutsAfter
            if let cut, cut < Double(plan.milliseconds) {
                moments = moments.filter { $0 - begun < cut }
                end = cutEnd
                isCut = true
                moments.append(begun + cut)
            }
        }
        let written = isCut && plan.death == nil ? moments.dropLast() : moments[...]
        let bytes = plan.eventBytes + Self.overhead
        var arrivals: [Double] = written.map { $0 + Self.latency }
        if isDirect {
            for index in arrivals.indices { arrivals[index] += controlLag(index) }
        } else {
            arrivals = Self.held(arrivals, bytes, rule(plan, accepts))
            if case .remedy = probe.label {
                for index in arrivals.indices { arrivals[index] += remedyDelay(remedyAttempts, index) }
            }
        }
        var seen = StreamObservation(plan: plan, acceptEncoding: accepts, sentAt: sent, end: end, endAt: 0)
        seen.endAt = max(arrivals.last ?? 0, (moments.last ?? begun) + Self.latency)
        seen.hasEnd = !isCut && plan.death == nil
        seen.headAt = begun + Self.latency
        if case .all = rule(plan, accepts), !isDirect { seen.headAt = seen.endAt }
        if holdsHead(plan), !isDirect, let first = arrivals.first { seen.headAt = first }
        seen.head = head(plan, isDirect ? nil : coding(plan, accepts), isDirect)
        seen.isReadable = isReadable || seen.head?.coding == nil
        seen.flow = arrivals.map { StreamObservation.Flow(at: $0, bytes: bytes) }
        guard seen.isReadable else {
            // Its pieces tell: the probe's description comes with the first event.
            if !seen.flow.isEmpty { seen.flow[0].bytes += 10 * bytes }
            return seen
        }
        seen.meta = meta(plan, probe, begun, isDirect)
        seen.events = zip(written, arrivals).enumerated().map { index, pair in
            StreamObservation.Event(index: index, sentAt: atOrigin(pair.0), at: pair.1)
        }
        return seen
    }

    private func refused(_ plan: ProbePlan, _ probe: Probe, _ refusal: Refusal, _ sent: Double) -> StreamObservation {
        var seen = StreamObservation(
            plan: plan,
            acceptEncoding: probe.acceptEncoding,
            sentAt: sent,
            head: ResponseHead(status: refusal.status),
            headAt: sent + 2 * Self.latency,
            end: .complete,
            endAt: sent + 2 * Self.latency
        )
        seen.refusal = refusal
        return seen
    }

    private func head(_ plan: ProbePlan, _ coding: String?, _ isDirect: Bool) -> ResponseHead {
        var fields = [
            ResponseHead.Field("stream-probe", "x"), ResponseHead.Field("content-type", plan.form.contentType),
        ]
        fields += ProbeHint.fields(plan.hints).map { ResponseHead.Field($0.name.lowercased(), $0.value) }
        if let coding { fields.append(ResponseHead.Field("content-encoding", coding)) }
        if !isDirect { fields = fields.filter { !removes.contains($0.name) } + adds }
        return ResponseHead(status: 200, fields: fields)
    }

    private func meta(_ plan: ProbePlan, _ probe: Probe, _ begun: Double, _ isDirect: Bool) -> ProbeMeta {
        var nonce = "\(probe.label)"
        if case .share(let noCache, _) = probe.label, sharedNonce(noCache) { nonce = "the same" }
        var request = ["last-event-id": Examiner.lastEventID, "producer-id": plan.name]
        for name in strips { request[name] = nil }
        var sent = ["content-type": plan.form.contentType]
        for field in ProbeHint.fields(plan.hints) { sent[field.name.lowercased()] = field.value }
        return ProbeMeta(
            nonce: nonce,
            instance: "one",
            name: isDirect ? plan.name : replays ?? plan.name,
            http: http,
            opened: atOrigin(begun),
            request: request,
            sent: sent
        )
    }

    /// When events arrive that were due at these moments.
    private static func held(_ due: [Double], _ bytes: Int, _ rule: Rule) -> [Double] {
        guard let last = due.last else { return [] }
        switch rule {
        case .live: return due
        case .all: return due.map { _ in last }
        case .size(let size):
            // Those that complete a buffer let go of all before them.
            return due.indices.map { index in
                let full = ((index + 1) * bytes + size - 1) / size * size
                let by = (full + bytes - 1) / bytes - 1
                return by < due.count ? due[by] : last
            }
        case .timer(let period):
            var arrivals: [Double] = []
            var release = -Double.infinity
            for moment in due {
                if moment > release { release = moment + period }
                arrivals.append(min(release, max(last, moment)))
            }
            return arrivals
        case .behind: return due.indices.map { $0 + 1 < due.count ? due[$0 + 1] : last }
        case .stutter(let delay):
            return due.enumerated().map { $0.offset == 5 || $0.offset == 9 ? $0.element + delay : $0.element }
        }
    }
}
