package import ProbeProtocol

/// One thing to try, as a value: what it is called, what to send where, and when.
@available(freshet 0.1, *)
package struct Probe: Sendable {
    /// The way that is taken.
    package enum Route: Sendable, Hashable {
        /// Through whatever stands between.
        case proxied
        /// Straight to the origin: the control.
        case direct
    }

    package enum Kind: Sendable {
        case time
        case stream(ProbePlan)
        /// A stream whose reader leaves after so many milliseconds; the origin is then asked for so long.
        case departure(ProbePlan, after: Int, asks: Int)
        /// A body in parts of some bytes, sent at these milliseconds.
        case upload(name: String, moments: [Int])
    }

    package var label: ProbeLabel
    package var route = Route.proxied
    package var kind: Kind
    package var acceptEncoding: String?
    /// Milliseconds after the beginning of the step.
    package var startsAfter = 0
    /// Milliseconds after which a response is given up, beyond the time that its plan takes.
    package var patience = 6000

    package init(_ label: ProbeLabel, _ kind: Kind) {
        self.label = label
        self.kind = kind
    }
}

/// What a probe is for.
@available(freshet 0.1, *)
package enum ProbeLabel: Sendable, Hashable {
    case reach(Probe.Route, Int)
    case crowd(Probe.Route, Int)
    case trickle(Variant)
    case control
    /// A short whole response at the moment of an event: the control where the origin cannot be reached beside the
    /// proxy.
    case pulse(Int)
    case remedy(Context, RemedyTrial)
    case ramp(Context, Rate)
    case death(ProbePlan.Death)
    case share(noCache: Bool, Int)
    case departure(quiet: Bool)
    case upload(Probe.Route)
    case idle(quiet: Bool)
}

/// A stream of few small events, under one set of header fields.
@available(freshet 0.1, *)
package enum Variant: Sendable, Hashable, CaseIterable {
    /// As any server might send it.
    case plain
    /// As Freshet sends it.
    case hinted
    /// The same two, for a client that takes gzip.
    case plainGzip, hintedGzip
    /// As Freshet sends it, for a client that takes everything that browsers take.
    case hintedModern
    /// As Freshet sends it, as NDJSON.
    case hintedLines

    package var hints: Set<ProbeHint> {
        switch self {
        case .plain, .plainGzip: [.noCache]
        case .hinted, .hintedGzip, .hintedModern, .hintedLines: ProbeHint.ofFreshet
        }
    }

    package var acceptEncoding: String {
        switch self {
        case .plain, .hinted: "identity"
        case .plainGzip, .hintedGzip, .hintedLines: "gzip"
        case .hintedModern: "br, zstd"
        }
    }

    /// Milliseconds before the first event. Compressed streams begin with a larger piece at once, as for a reader who
    /// comes back: Caddy's encode compresses only what begins with 512 bytes, and so only then holds the rest.
    var delay: Int {
        switch self {
        case .hintedGzip, .hintedModern: 0
        case .plain, .hinted, .plainGzip, .hintedLines: 1000
        }
    }

    /// Milliseconds between events, uneven: on an even stream a timer and one event of delay look the same. What cannot
    /// be decompressed here is judged by its pieces: of those the first is by far the largest, and must not come near
    /// the second in time.
    var gaps: [Int] {
        switch self {
        case .hintedModern: [450, 200, 60, 140, 300, 100]
        case .plain, .hinted, .plainGzip, .hintedGzip, .hintedLines: [60, 140, 300, 100, 450, 200]
        }
    }

    package var form: ProbeForm { self == .hintedLines ? .ndjson : .sse }
}

/// In which streams something is held back: without compression, only with it, or only in those of lines.
@available(freshet 0.1, *)
package enum Context: Sendable, Hashable, CaseIterable {
    case uncompressed, compressed, lines
}

/// What may let a held stream go.
@available(freshet 0.1, *)
package enum RemedyTrial: Sendable, Hashable, CaseIterable {
    case noBuffering, noTransform, identity, json

    /// As it is written in a report.
    package var title: String {
        switch self {
        case .noBuffering: "X-Accel-Buffering: no"
        case .noTransform: "Cache-Control: no-transform"
        case .identity: "Content-Encoding: identity"
        case .json: "Content-Type: application/json"
        }
    }
}

@available(freshet 0.1, *)
package enum Rate: Sendable, Hashable, CaseIterable {
    case slow, fast

    /// Milliseconds between two events.
    var gap: Int { self == .slow ? 50 : 20 }
    var events: Int { self == .slow ? 80 : 200 }
}
