import Logging
import PrintableText

/// Writes to standard error as swift-log does, and has the controls in what strangers said written as escapes: no name
/// begins a line of the log, or drives the terminal that shows it.
struct PrintableLogHandler: LogHandler {
    private var base: StreamLogHandler

    init(label: String) {
        base = StreamLogHandler.standardError(label: label)
    }

    var logLevel: Logger.Level {
        get { base.logLevel }
        set { base.logLevel = newValue }
    }

    var metadata: Logger.Metadata {
        get { base.metadata }
        set { base.metadata = newValue.mapValues(Self.printable) }
    }

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { base[metadataKey: key] }
        set { base[metadataKey: key] = newValue.map(Self.printable) }
    }

    func log(event: LogEvent) {
        var event = event
        event.message = "\(PrintableText.escaped("\(event.message)"))"
        event.metadata = event.metadata?.mapValues(Self.printable)
        if let error = event.error {
            event.metadata = (event.metadata ?? [:]).merging(["error.message": Self.printable("\(error)")]) { $1 }
            event.error = nil
        }
        base.log(event: event)
    }

    static func printable(_ value: Logger.Metadata.Value) -> Logger.Metadata.Value {
        .string(PrintableText.escaped("\(value)"))
    }
}
