/// One unit of a stream as a producer gave it.
package struct EventBody: Hashable, Sendable {
    /// The event type; nil is `message`. Only `text/event-stream` has others.
    package var type: String?
    package var data: [UInt8]

    package init(type: String? = nil, data: [UInt8]) {
        self.type = type
        self.data = data
    }

    /// What the event counts against a bound on bytes.
    package var size: Int { data.count + (type?.utf8.count ?? 0) }
}

/// One unit of a stream as it stands in the log: never changed, at one place in the one order of its stream.
package struct StreamEvent: Hashable, Sendable {
    package let offset: Offset
    package let body: EventBody

    package init(offset: Offset, body: EventBody) {
        self.offset = offset
        self.body = body
    }
}

/// The event types that are Freshet's own on the wire, which no producer may use.
package enum ReservedEventType: String, CaseIterable {
    case end, gap, start, reconnect, snapshot, heartbeat
}
