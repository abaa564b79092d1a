package import Logging

@available(freshet 0.1, *)
extension Logger {
    /// Says that a server goes away, and how that went.
    ///
    /// - Parameter work: drains, and returns how many were still being served at the deadline.
    package func drain(_ work: () async -> Int) async {
        info("Draining: streams that are being written may be read to their end, all other readers are to reconnect.")
        let clock = ContinuousClock()
        let started = clock.now
        let late = await work()
        log(
            level: late > 0 ? .warning : .info,
            late > 0 ? "The drain's deadline came before everybody had left." : "Drained.",
            metadata: ["seconds": LoggedText.seconds(clock.now - started), "cut-short": .stringConvertible(late)]
        )
    }
}
