package import Logging
package import StreamCore

extension Streams {
    /// Does what becomes due, ten times a second, until the task is cancelled.
    package func sweepForEver(_ logger: Logger) async {
        while !Task.isCancelled {
            do {
                try await sweep()
            } catch {
                logger.warning(
                    "What has become due could not be done; it is tried again.",
                    metadata: ["error": "\(error)"]
                )
            }
            try? await Task.sleep(for: .milliseconds(100))
        }
    }
}
