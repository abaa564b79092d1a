import TextCodecs

/// Cuts a whole body into the events of one atomic append: all of them, or none.
package enum AtomicBody {
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
            let messages: [[UInt8]]
            do {
                messages = try JSONText.split(body)
            } catch {
                throw .invalidJSON(line: 0, reason: "\(error)")
            }
            if messages.contains(where: { $0.count > limits.eventBytes }) {
                throw .eventTooLarge(limit: limits.eventBytes)
            }
            return messages.map { EventBody(data: $0) }
        case .eventStream, .ndjson:
            guard var cutter = PieceCutter(kind: kind, limits: limits) else { return [] }
            try cutter.feed(body)
            if kind == .eventStream, cutter.isUnfinished { throw .unfinishedBlock }
            try cutter.finish()
            let events = cutter.takePieces()
            guard !events.isEmpty else { throw .empty }
            return events
        }
    }
}
