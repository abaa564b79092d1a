package import Logging
import PrintableText
package import StreamCore
import StreamHTTP

@available(freshet 0.1, *)
extension Streams {
    /// Does what becomes due, ten times a second, until the task is cancelled.
    package func sweepForEver(_ logger: Logger) async { await Sweeper().run(self, logger) }
}

/// On a thread of its own: when many leases run out at once, no connection waits for that.
@available(freshet 0.1, *)
private actor Sweeper {
    nonisolated var unownedExecutor: UnownedSerialExecutor { BackgroundThread.upkeep.asUnownedSerialExecutor() }

    func run(_ streams: Streams, _ logger: Logger) async {
        let clock = EventLoopClock()
        var told: String?
        var hasFailed = false
        var connection = ConnectionNews()
        while !Task.isCancelled {
            if let store = streams.store as? any ObservedStore {
                connection.look(at: store.standing, clock.now, logger)
            }
            if !hasFailed, let failure = streams.store.failure {
                hasFailed = true
                logger.critical(
                    "Nothing can be kept any more.",
                    metadata: ["error": "\(PrintableText.escaped("\(failure)"))"]
                )
            }
            do {
                try await streams.sweep()
                told = nil
            } catch {
                let trouble = PrintableText.escaped("\(error)")
                // What lasts is said once.
                if trouble != told {
                    logger.warning(
                        "Expired leases or streams could not be processed; trying again.",
                        metadata: ["error": "\(trouble)"]
                    )
                }
                told = trouble
            }
            try? await clock.sleep(for: .milliseconds(100))
        }
    }
}
