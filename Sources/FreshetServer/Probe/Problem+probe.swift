import ProbeProtocol
import StreamHTTP

@available(freshet 0.1, *)
extension Problem {
    static func probe(_ refusal: ProbeRefusal) -> Problem {
        switch refusal {
        case .off:
            Problem(
                404,
                "probe-off",
                title: "Probe disabled",
                detail:
                    "Beyond loopback it is off unless the `probe` setting enables it. `freshet doctor --listen` "
                    + "runs an "
                    + "origin of its own, to put behind the proxy instead."
            )
        case .noToken:
            Problem(
                403,
                "probe-token",
                title: "Probe token required",
                detail:
                    "Send \(ProbePaths.tokenField): TOKEN, with what `freshet doctor --print-token` prints for a key "
                    + "of this server. It is valid for \(ProbeToken.usualLifetime / 60) minutes."
            )
        case .wrongToken:
            Problem(
                403,
                "probe-token",
                title: "Probe token required",
                detail: "The token in \(ProbePaths.tokenField) was signed with no key of this server, or its "
                    + "\(ProbeToken.usualLifetime / 60) minutes are over, or the clocks of the two machines differ. "
                    + "Make a new one with `freshet doctor --print-token`."
            )
        }
    }

    static func badProbe(_ reason: String) -> Problem {
        Problem(
            400,
            "bad-probe",
            title: "Invalid probe",
            detail: "The query was refused: \(reason). `freshet doctor` makes the requests that are understood here."
        )
    }

    static let tooManyProbes = Problem(
        429,
        "too-many-probes",
        title: "Too many probes",
        detail: "The server answers up to \(ProbeOrigin.mostAtOnce) probes at a time. Retry when others have finished.",
        headers: [HeaderField("Retry-After", "15")]
    )
}
