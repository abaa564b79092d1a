import ArgumentParser

/// What `freshet doctor` exits with.
@available(freshet 0.1, *)
enum DoctorStatus: Int32 {
    /// Events arrive as they are sent.
    case live = 0
    /// Something is wrong; with --strict, something is worth knowing.
    case found = 1
    /// There was nothing to examine: no connection, no HTTP, no probe.
    case failed = 2
    /// The control was late itself.
    case inconclusive = 3

    var code: ExitCode { ExitCode(rawValue) }
}
