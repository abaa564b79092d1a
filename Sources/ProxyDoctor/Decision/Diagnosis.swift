import ProbeProtocol

/// What the evidence amounts to: pure functions of what was observed.
@available(freshet 0.1, *)
package struct Diagnosis: Sendable {
    let evidence: Evidence
    /// Who stands between, as far as somebody names itself or shows by what it does.
    let layers: [Intermediary]

    package init(_ evidence: Evidence) {
        self.evidence = evidence
        let heads =
            Variant.allCases.compactMap { evidence.stream(.trickle($0)) }
            + [evidence.crowd(.proxied).first].compactMap(\.self)
        let best = heads.first { $0.head != nil }
        var layers = Intermediary.named(in: best?.head, request: best?.meta?.request ?? [:])
        // nginx takes this field for itself, and so do those that are built on it.
        if !layers.contains(.nginx), let sent = heads.compactMap(\.meta).first?.sent,
            sent["x-accel-buffering"] != nil, heads.first(where: { $0.meta != nil })?.head?["x-accel-buffering"] == nil
        {
            layers.append(.nginx)
        }
        self.layers = layers
    }

    package func findings() -> [Finding] {
        var findings: [Finding] = []
        if let replay = replay() {
            findings.append(replay)
        } else if !evidence.isControlUnfit {
            findings += delivery()
            findings += [headersHeld()].compactMap(\.self)
        }
        if !evidence.isReplayed {
            findings += [http10(), shared(noCache: true) ?? shared(noCache: false), concurrency()].compactMap(\.self)
            findings += stripped()
        }
        findings += [deaths(), departures(), upload(), idle()].compactMap(\.self)
        return findings.enumerated().sorted { one, other in
            one.element.severity == other.element.severity
                ? one.offset < other.offset : one.element.severity > other.element.severity
        }.map(\.element)
    }

    package func verdict(of findings: [Finding]) -> Report.Verdict {
        if let fault = findings.first(where: { $0.severity == .fault && $0.code == .replayedFromCache }) {
            return .fault(fault.code)
        }
        if evidence.isControlUnfit { return .inconclusive }
        if let fault = findings.first(where: { $0.severity == .fault }) { return .fault(fault.code) }
        return findings.contains { $0.code == .live } ? .live : .inconclusive
    }

    // MARK: Words

    /// Who does it: whoever names itself, or what is known to do so.
    func layer(_ guess: String) -> String {
        layers.isEmpty ? guess : layers.map(\.title).joined(separator: ", ") + " (named in the heads)"
    }

    static func milliseconds(_ number: Double) -> String {
        number < 10 ? "\((number * 10).rounded() / 10) ms" : "\(Int(number.rounded())) ms"
    }

    static func seconds(_ milliseconds: Double) -> String { "\((milliseconds / 100).rounded() / 10) s" }

    static func bytes(_ count: Int) -> String {
        count < 2000 ? "\(count) bytes" : "\(Int((Double(count) / 1024).rounded())) KB"
    }
}
