import Logging
import StreamCore

/// Writes to a `LogOutput`, with what a logger has of its own beside what an event says. The level is the output's, and
/// one for all loggers: it may change while the program runs.
@available(freshet 0.1, *)
struct OutputLogHandler: LogHandler {
    let label: String
    let output: LogOutput
    var metadata: Logger.Metadata = [:]

    var logLevel: Logger.Level {
        get { output.level }
        set { output.level = newValue }
    }

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    func log(event: LogEvent) {
        var metadata = metadata.merging(event.metadata ?? [:]) { $1 }
        if let error = event.error { metadata["error"] = "\(error)" }
        output.put(
            LogLine(
                milliseconds: SystemTime().wallMilliseconds(),
                level: event.level,
                label: label,
                message: "\(event.message)",
                metadata: metadata
            )
        )
    }
}
