import TextCodecs

/// Cuts a whole body into the events of one atomic append: all of them, or none.
@available(freshet 0.1, *)
package enum AtomicBody {
    private static let partBytes = 64 << 10

    package static func events(
        of body: [UInt8],
        kind: ContentType.Kind,
        limits: PieceLimits
    ) throws(PieceError) -> EventBatch {
        switch kind {
        case .text, .binary:
            guard !body.isEmpty else { throw .empty }
            guard body.count <= limits.eventBytes else { throw .eventTooLarge(limit: limits.eventBytes) }
            return EventBatch(EventBody(data: body))
        case .json:
            var events = EventBatch()
            var count = 0
            var isTooLarge = false
            do {
                try JSONText.scanMessages(of: body) { value in
                    count += 1
                    if value.count > limits.eventBytes { isTooLarge = true }
                    if count <= limits.bodyEvents, !isTooLarge { events.append(body[value]) }
                }
            } catch {
                throw .invalidJSON(line: 0, reason: "\(error)")
            }
            guard count <= limits.bodyEvents else { throw .tooManyEvents(limit: limits.bodyEvents) }
            if isTooLarge { throw .eventTooLarge(limit: limits.eventBytes) }
            return events.fitted
        case .eventStream, .ndjson:
            guard var cutter = PieceCutter(kind: kind, limits: limits, most: limits.bodyEvents) else { return [] }
            // By parts, so that of a body with too many events no more is read than it takes to count them.
            var fed = 0
            while fed < body.count {
                let part = fed..<min(fed + partBytes, body.count)
                try cutter.feed(body, part)
                fed = part.upperBound
            }
            if kind == .eventStream, cutter.isUnfinished { throw .unfinishedBlock }
            try cutter.finish()
            let events = cutter.takePieces()
            guard !events.isEmpty else { throw .empty }
            return events
        }
    }
}
