import Foundation

/// Signals that a program acts on instead of being ended by them.
///
/// A handler writes each into a pipe, from which a thread reads: one way for all commands. Dispatch, and with it the sequence
/// of swift-service-lifecycle, reads them from a `signalfd`, beside which the kernel may hand one to a thread that has not
/// blocked it; in one run of the black-box suite an `append` did not act on its SIGTERM (2026-11-29).
@available(freshet 0.1, *)
enum TrappedSignals {
    /// Where the handler writes, which may take no lock: it is made before a handler is there, and never changed. -1 where
    /// there is no descriptor left for it.
    private static let pipe: (input: CInt, output: CInt) = {
        var ends: [CInt] = [-1, -1]
        guard Foundation.pipe(&ends) == 0 else { return (-1, -1) }
        for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        // A handler that waited would keep its thread for ever.
        _ = fcntl(ends[1], F_SETFL, O_NONBLOCK)
        return (ends[0], ends[1])
    }()

    /// SIGHUP, unless the program was started with it ignored: `nohup` has it so, and so it stays.
    static func hangUp() -> [CInt] {
        let previous = signal(SIGHUP, SIG_IGN)
        let isIgnored = unsafeBitCast(previous, to: Int.self) == unsafeBitCast(SIG_IGN, to: Int.self)
        return isIgnored ? [] : [SIGHUP]
    }

    /// From now on these signals are elements, in the order in which they come, for as long as the process lives. Called
    /// once. Without a descriptor for it they go on ending the process.
    static func begin(_ signals: [CInt]) -> AsyncStream<CInt> {
        let (stream, found) = AsyncStream.makeStream(of: CInt.self)
        guard pipe.output >= 0 else { return stream }
        Thread.detachNewThread {
            var number: UInt8 = 0
            while true {
                let count = read(pipe.input, &number, 1)
                if count == 1 { found.yield(CInt(number)) } else if count == 0 || errno != EINTR { return }
            }
        }
        for number in signals {
            signal(number) { number in
                let before = errno
                var byte = UInt8(truncatingIfNeeded: number)
                _ = write(TrappedSignals.pipe.output, &byte, 1)
                errno = before
            }
        }
        return stream
    }
}
