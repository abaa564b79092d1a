package import Logging
import PrintableText
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
                logger.critical(
                    "Nothing can be kept any more.",
                    metadata: ["error": "\(PrintableText.escaped("\(failure)"))"]
                )
            }
            do {
                try await sweep()
                told = nil
            } catch {
                let trouble = PrintableText.escaped("\(error)")
                // What lasts is said once.
                if trouble != told {
                    logger.warning(
                        "What has become due could not be done; it is tried again.",
                        metadata: ["error": "\(trouble)"]
                    )
                }
                told = trouble
            }
            try? await clock.sleep(for: .milliseconds(100))
        }
    }
}
