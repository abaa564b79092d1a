/// What a sub-offset takes of the events behind a fork's point (Durable Streams protocol, section 4.2).
@available(freshet 0.1, *)
package struct ForkCut: Equatable, Sendable {
    /// Events the fork shares with its source.
    package var whole: Int
    /// The part of the event after them that becomes the fork's own first event.
    package var part: EventBody?

    /// Nil when there is nothing so far beyond the point, or when it lies inside an event that cannot be cut: half a
    /// line of NDJSON or half a block of an event stream is none.
    ///
    /// - Parameters:
    ///   - events: what follows the point; no more than `beyond + 1` of them are looked at.
    ///   - beyond: messages of a JSON stream, bytes of the body of any other.
    package init?(_ events: some Sequence<StreamEvent>, beyond: Int, kind: ContentType.Kind) {
        self.whole = 0
        var rest = beyond
        var iterator = events.makeIterator()
        while rest > 0 {
            guard let event = iterator.next() else { return nil }
            let size = kind == .json ? 1 : ByteView.bytes(of: [event], kind: kind).count
            guard rest < size else {
                rest -= size
                whole += 1
                // Bytes of text and binary streams count within one event: the next one has an offset of its own.
                guard rest == 0 || kind == .json || kind == .ndjson || kind == .eventStream else { return nil }
                continue
            }
            guard kind == .text || kind == .binary else { return nil }
            part = EventBody(data: Array(event.body.bytes.prefix(rest)))
            rest = 0
        }
    }
}
