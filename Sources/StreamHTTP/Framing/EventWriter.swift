import PrintableText
import ServerSentEvents
package import StreamCore
import TextCodecs

/// Writes the events of one stream in one form.
@available(freshet 0.1, *)
package struct EventWriter: Sendable, Hashable {
    package let form: EventForm
    package let kind: ContentType.Kind

    package init(form: EventForm, kind: ContentType.Kind) {
        self.form = form
        self.kind = kind
    }

    /// Appends one event. `retry`, in milliseconds, rides inside the block (SSE only): a block with nothing but a
    /// `retry` makes several clients report an event that never was.
    package func append(_ event: StreamEvent, retry: Int? = nil, to output: inout [UInt8]) {
        let isBase64 = kind == .binary
        switch form {
        case .sse:
            let data = isBase64 ? Base64.encode(event.body.data) : event.body.data
            appendBlock(event: event.body.type, id: event.offset, data: data, retry: retry, to: &output)
        case .ndjson: NDJSON.append(event, kind, to: &output)
        case .durableStreams:
            preconditionFailure("a Durable Streams read is told of batches, by a DurableStreamsWriter")
        case .foreign where kind == .ndjson:
            output.append(contentsOf: event.body.data)
            output.append(UInt8(ascii: "\n"))
        case .foreign:
            let type = event.body.type.map(ForeignEventType.shown)
            appendBlock(event: type, id: nil, data: event.body.data, retry: nil, to: &output)
        case .plain: appendBlock(event: event.body.type, id: nil, data: event.body.data, retry: nil, to: &output)
        }
    }

    /// Appends an event of Freshet's own; `data` is JSON on one line.
    package func append(
        _ type: ReservedEventType,
        id: Offset?,
        data: [UInt8],
        retry: Int? = nil,
        to output: inout [UInt8]
    ) {
        switch form {
        case .sse: appendBlock(event: type.rawValue, id: id, data: data, retry: retry, to: &output)
        case .ndjson: NDJSON.append(id: id, event: type.rawValue, data: data, to: &output)
        // Its clients know two event types, and none of these is one; those of other protocols know none.
        case .durableStreams, .foreign, .plain: break
        }
    }

    package func appendEnd(_ end: StreamEnd, retry: Int?, to output: inout [UInt8]) {
        let data = JSONWriter.object {
            $0.member("reason", end.reason.rawValue)
            if let detail = end.detail { $0.member("detail", detail) }
        }
        append(.end, id: end.offset, data: PrintableText.escaped(json: data), retry: retry, to: &output)
    }

    package func appendRemoval(_ removal: Removal, retry: Int?, to output: inout [UInt8]) {
        append(
            .end,
            id: nil,
            data: JSONWriter.object { $0.member("reason", removal.rawValue) },
            retry: retry,
            to: &output
        )
    }

    /// What follows is not what follows the reader's position: it starts anew at the floor.
    package func appendGap(requested: String, resumed floor: Offset, retry: Int?, to output: inout [UInt8]) {
        let data = JSONWriter.object {
            $0.member("requested", requested)
            $0.member("resumed", floor.text)
        }
        append(.gap, id: floor, data: data, retry: retry, to: &output)
    }

    package func appendStart(at tail: Offset, retry: Int?, to output: inout [UInt8]) {
        append(.start, id: tail, data: JSONWriter.object { $0.member("offset", tail.text) }, retry: retry, to: &output)
    }

    package func appendReconnect(_ why: ReconnectReason, retry: Int, to output: inout [UInt8]) {
        append(
            .reconnect,
            id: nil,
            data: JSONWriter.object { $0.member("why", why.rawValue) },
            retry: retry,
            to: &output
        )
    }

    private func appendBlock(event: String?, id: Offset?, data: [UInt8], retry: Int?, to output: inout [UInt8]) {
        let block = EventBlock(event: event, retry: retry, id: id?.text, data: data)
        do {
            try EventStreamEncoder().append(block, to: &output)
        } catch {
            // Types are checked when an event is taken in, offsets are made here.
            preconditionFailure("a kept event cannot be encoded: \(error)")
        }
    }
}
