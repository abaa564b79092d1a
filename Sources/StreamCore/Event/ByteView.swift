import ServerSentEvents

/// The bytes of a stream as a catch-up read shows them.
@available(freshet 0.1, *)
package enum ByteView {
    package static func bytes(of events: some Sequence<StreamEvent>, kind: ContentType.Kind) -> [UInt8] {
        var output: [UInt8] = []
        var writer = Writer(kind: kind)
        writer.append(events, to: &output)
        writer.finish(&output)
        return output
    }

    /// Writes them page by page: whatever the pages, the bytes are the same.
    package struct Writer: Sendable {
        private let kind: ContentType.Kind
        private var isEmpty = true

        package init(kind: ContentType.Kind) {
            self.kind = kind
        }

        package mutating func append(_ events: some Sequence<StreamEvent>, to output: inout [UInt8]) {
            for event in events { append(event, to: &output) }
        }

        /// What stands behind the last event.
        package mutating func finish(_ output: inout [UInt8]) {
            guard kind == .json else { return }
            if isEmpty { output.append(UInt8(ascii: "[")) }
            output.append(UInt8(ascii: "]"))
        }

        private mutating func append(_ event: StreamEvent, to output: inout [UInt8]) {
            switch kind {
            case .text, .binary: output.append(contentsOf: event.body.bytes)
            case .ndjson:
                output.append(contentsOf: event.body.bytes)
                output.append(UInt8(ascii: "\n"))
            case .json:
                output.append(isEmpty ? UInt8(ascii: "[") : UInt8(ascii: ","))
                output.append(contentsOf: event.body.bytes)
            case .eventStream:
                do {
                    let block = EventBlock(event: event.body.type, data: event.body.data)
                    try EventStreamEncoder().append(block, to: &output)
                } catch {
                    // Types are checked when an event is taken in.
                    preconditionFailure("a kept event cannot be encoded: \(error)")
                }
            }
            isEmpty = false
        }
    }
}
