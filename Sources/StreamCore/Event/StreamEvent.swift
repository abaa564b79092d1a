/// One unit of a stream as a producer gave it.
@available(freshet 0.1, *)
package struct EventBody: Hashable, Sendable {
    /// The event type; nil is `message`. Only `text/event-stream` has others.
    package var type: String?
    /// The data: a part of the buffer that the event came in.
    package var bytes: ArraySlice<UInt8>

    package init(type: String? = nil, data: [UInt8]) {
        self.init(type: type, bytes: data[...])
    }

    package init(type: String?, bytes: ArraySlice<UInt8>) {
        self.type = type
        self.bytes = bytes
    }

    /// The data as an array. That is a copy, unless the event has a buffer of its own.
    package var data: [UInt8] { Array(bytes) }

    /// What the event counts against a bound on bytes.
    package var size: Int { bytes.count + (type?.utf8.count ?? 0) }
}

/// One unit of a stream as it stands in the log: never changed, at one place in the one order of its stream.
@available(freshet 0.1, *)
package struct StreamEvent: Hashable, Sendable {
    package let offset: Offset
    package let body: EventBody

    package init(offset: Offset, body: EventBody) {
        self.offset = offset
        self.body = body
    }
}

/// An event and when it was kept, on the store's clock in milliseconds.
@available(freshet 0.1, *)
package struct KeptEvent: Sendable {
    package var event: StreamEvent
    package var at: Int64

    package init(event: StreamEvent, at: Int64) {
        self.event = event
        self.at = at
    }
}

/// The event types that are Freshet's own on the wire, which no producer may use.
@available(freshet 0.1, *)
package enum ReservedEventType: String, CaseIterable {
    case end, gap, start, reconnect, snapshot, heartbeat
}
