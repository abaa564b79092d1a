import ServerSentEvents

/// The bytes of a stream as a catch-up read shows them.
package enum ByteView {
    package static func bytes(of events: [StreamEvent], kind: ContentType.Kind) -> [UInt8] {
        var output: [UInt8] = []
        output.reserveCapacity(events.reduce(2) { $0 + $1.body.data.count + 1 })
        switch kind {
        case .text, .binary:
            for event in events { output.append(contentsOf: event.body.data) }
        case .ndjson:
            for event in events {
                output.append(contentsOf: event.body.data)
                output.append(UInt8(ascii: "\n"))
            }
        case .json:
            output.append(UInt8(ascii: "["))
            for (index, event) in events.enumerated() {
                if index > 0 { output.append(UInt8(ascii: ",")) }
                output.append(contentsOf: event.body.data)
            }
            output.append(UInt8(ascii: "]"))
        case .eventStream:
            for event in events {
                do {
                    let block = EventBlock(event: event.body.type, data: event.body.data)
                    try EventStreamEncoder().append(block, to: &output)
                } catch {
                    // Types are checked when an event is taken in.
                    preconditionFailure("a kept event cannot be encoded: \(error)")
                }
            }
        }
        return output
    }
}
