import Locks
import Logging
import Tracing

@testable import FreshetTraces

/// What a log is told.
final class NotedLog: Sendable {
    private let lines = Mutex<[String]>([])

    var messages: [String] { lines.withLock(\.self) }

    var logger: Logger { Logger(label: "test") { _ in Handler(told: self) } }

    private struct Handler: LogHandler {
        let told: NotedLog
        var logLevel = Logger.Level.info
        var metadata: Logger.Metadata = [:]
        subscript(metadataKey key: String) -> Logger.Metadata.Value? {
            get { metadata[key] }
            set { metadata[key] = newValue }
        }

        func log(event: LogEvent) {
            told.lines.withLock { $0.append("\(event.message) \(event.metadata?["why"].map { "\($0)" } ?? "")") }
        }
    }
}

extension FinishedSpan {
    /// One that is made up.
    static func made(_ number: UInt64 = 1, name: String = "GET") -> FinishedSpan {
        FinishedSpan(
            identity: SpanIdentity(trace: TraceID(high: 1, low: number), span: SpanID(number), isSampled: true),
            name: name,
            kind: .server,
            start: 1_800_000_000_000_000_000,
            end: 1_800_000_000_500_000_000
        )
    }

    /// The value of an attribute as text.
    func text(_ name: String) -> String? {
        switch attributes.get(name) {
        case .string(let text): text
        case .int64(let number): "\(number)"
        case .stringArray(let texts): texts.joined(separator: " ")
        default: nil
        }
    }
}

extension SpanQueue {
    /// What waits, oldest first.
    func all() -> [FinishedSpan] {
        var all: [FinishedSpan] = []
        while let some = take() { all += some }
        return all
    }
}
