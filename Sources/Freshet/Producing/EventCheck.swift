import StreamCore
import TextCodecs

/// What an event must be to go into a stream of a type: the rules that bodies are cut by, for events that come whole.
@available(freshet 0.1, *)
struct EventCheck {
    private let kind: ContentType.Kind
    private let type: String
    private let limit: Int

    /// - Parameter limit: the most bytes of data.
    init(_ type: ContentType, limit: Int) {
        self.kind = type.kind
        self.type = type.text
        self.limit = limit
    }

    func events(_ contents: [EventStream.Content]) throws(EventStreamError) -> EventBatch {
        guard !contents.isEmpty else { throw Self.invalid("There is nothing to append; give at least one event.") }
        // One event keeps the buffer it came in.
        if contents.count == 1 { return EventBatch(try event(contents[0])) }
        var events = EventBatch()
        events.reserveCapacity(events: contents.count, bytes: contents.reduce(0) { $0 + $1.data.count })
        for content in contents { events.append(try event(content)) }
        return events.fitted
    }

    private func event(_ content: EventStream.Content) throws(EventStreamError) -> EventBody {
        guard content.data.count <= limit else {
            throw Self.invalid("The event has \(content.data.count) bytes; at most \(limit) are allowed.")
        }
        let eventType = content.type == "message" || content.type == "" ? nil : content.type
        if kind == .eventStream { return try serverSentEvent(eventType, content.data) }
        guard eventType == nil else {
            throw Self.invalid("A stream of the type `\(type)` has no event types; leave the event's type out.")
        }
        switch kind {
        case .eventStream, .text, .binary:
            guard !content.data.isEmpty else {
                throw Self.invalid("An event of the type `\(type)` is at least one byte; this one is empty.")
            }
            return EventBody(data: content.data)
        case .json, .ndjson:
            do {
                try JSONText.validate(content.data)
            } catch {
                throw Self.invalid("A stream of the type `\(type)` takes one JSON value an event: \(error)")
            }
            return EventBody(data: kind == .ndjson ? JSONText.singleLine(content.data) : content.data)
        }
    }

    private func serverSentEvent(_ type: String?, _ data: [UInt8]) throws(EventStreamError) -> EventBody {
        if let type {
            guard ReservedEventType(rawValue: type) == nil else {
                throw Self.invalid("The event type `\(type)` is Freshet's own; use another.")
            }
            guard !type.utf8.contains(where: { $0 == 0 || $0 == 0x0A || $0 == 0x0D }) else {
                throw Self.invalid("The event type holds a line end or NUL, which cannot be written.")
            }
        }
        guard String(utf8: data) != nil else {
            throw Self.invalid("The event is not UTF-8; a stream of bytes is of another type than `\(self.type)`.")
        }
        return EventBody(type: type, data: Self.withLineFeeds(data))
    }

    /// The wire has one line end, so that what is read is what was kept.
    private static func withLineFeeds(_ data: [UInt8]) -> [UInt8] {
        guard data.contains(0x0D) else { return data }
        var output: [UInt8] = []
        output.reserveCapacity(data.count)
        var previous: UInt8 = 0
        for byte in data {
            if byte == 0x0D || (byte == 0x0A && previous != 0x0D) {
                output.append(0x0A)
            } else if byte != 0x0A {
                output.append(byte)
            }
            previous = byte
        }
        return output
    }

    private static func invalid(_ message: String) -> EventStreamError { EventStreamError(.invalidEvent, message) }
}
