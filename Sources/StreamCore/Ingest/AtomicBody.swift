import TextCodecs

/// Cuts a whole body into the events of one atomic append: all of them, or none.
package enum AtomicBody {
    private static let partBytes = 64 << 10

    package static func events(
        of body: [UInt8],
        kind: ContentType.Kind,
        limits: PieceLimits
    ) throws(PieceError) -> [EventBody] {
        switch kind {
        case .text, .binary:
            guard !body.isEmpty else { throw .empty }
            guard body.count <= limits.eventBytes else { throw .eventTooLarge(limit: limits.eventBytes) }
            return [EventBody(data: body)]
        case .json:
            var values: [Range<Int>] = []
            var count = 0
            do {
                try JSONText.scanMessages(of: body) { value in
                    count += 1
                    if count <= limits.bodyEvents { values.append(value) }
                }
            } catch {
                throw .invalidJSON(line: 0, reason: "\(error)")
            }
            guard count <= limits.bodyEvents else { throw .tooManyEvents(limit: limits.bodyEvents) }
            if values.contains(where: { $0.count > limits.eventBytes }) {
                throw .eventTooLarge(limit: limits.eventBytes)
            }
            return values.map { EventBody(data: Array(body[$0])) }
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
