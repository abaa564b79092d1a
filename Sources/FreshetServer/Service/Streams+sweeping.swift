package import Logging
package import StreamCore
import StreamHTTP

extension Streams {
    /// Does what becomes due, ten times a second, until the task is cancelled.
    package func sweepForEver(_ logger: Logger) async {
        let clock = EventLoopClock()
        var told: String?
        var hasFailed = false
        while !Task.isCancelled {
            if !hasFailed, let failure = store.failure {
                hasFailed = true
                logger.critical("Nothing can be kept any more.", metadata: ["error": "\(failure)"])
            }
            do {
                try await sweep()
                told = nil
            } catch {
                let trouble = "\(error)"
                // What lasts is said once.
                if trouble != told {
                    logger.warning(
                        "What has become due could not be done; it is tried again.",
                        metadata: ["error": "\(error)"]
                    )
                }
                told = trouble
            }
            try? await clock.sleep(for: .milliseconds(100))
        }
    }
}
