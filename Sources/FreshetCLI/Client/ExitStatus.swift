import ArgumentParser
import EventSource

/// What the client commands exit with.
@available(freshet 0.1, *)
enum ExitStatus: Int32 {
    case done = 0
    /// The server refused, or the input could not be sent.
    case refused = 1
    case failed = 3
    case cancelled = 4
    case abandoned = 5
    /// No such stream, or no longer: deleted or expired.
    case gone = 6
    /// No connection for as long as was waited.
    case network = 7
    /// The output cannot be written, EX_IOERR of sysexits.h: a full disk.
    case output = 74
    /// Nobody reads the output any more: what a shell shows for a program that SIGPIPE ended.
    case brokenPipe = 141

    var code: ExitCode { ExitCode(rawValue) }

    init(_ reason: EventSource.End.Reason?) {
        switch reason {
        case .failed: self = .failed
        case .cancelled: self = .cancelled
        case .abandoned: self = .abandoned
        case .deleted, .expired: self = .gone
        case .done: self = .done
        // No reason, or one that this program does not know, is not success.
        default: self = .refused
        }
    }
}
