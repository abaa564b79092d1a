/// What stands of a stream that decides an append, the same for every store.
@available(freshet 0.1, *)
package struct AppendStanding: Sendable {
    package var contentType: ContentType
    package var tail: Offset
    package var end: StreamEnd?
    /// The stamp of the request that ended the stream.
    package var closingStamp: ProducerStamp?
    /// What is remembered of the producer that asks.
    package var producer: ProducerState?
    /// The last `Stream-Seq`.
    package var sequence: String?

    package init(
        contentType: ContentType,
        tail: Offset,
        end: StreamEnd?,
        closingStamp: ProducerStamp?,
        producer: ProducerState?,
        sequence: String?
    ) {
        self.contentType = contentType
        self.tail = tail
        self.end = end
        self.closingStamp = closingStamp
        self.producer = producer
        self.sequence = sequence
    }

    /// What an append would come to, before anything is changed; nil when it may go ahead.
    package func refusal(of request: AppendRequest) -> AppendOutcome? {
        if let end {
            if let stamp = request.producer, stamp == closingStamp, let producer {
                return .duplicate(tail: tail, end: end, producer: producer)
            }
            return .ended(end, tail: tail, producer: producer)
        }
        if let type = request.contentType, !contentType.matches(type) { return .typeMismatch(contentType) }
        if let stamp = request.producer {
            switch ProducerVerdict.judge(stamp, against: producer) {
            case .accept: break
            case .duplicate(let state): return .duplicate(tail: tail, end: nil, producer: state)
            case .fenced(let epoch): return .fenced(currentEpoch: epoch)
            case .epochMustStartAtZero: return .epochMustStartAtZero
            case .gap(let expected, let received): return .gap(expected: expected, received: received)
            }
        }
        if let next = request.sequence, let last = sequence, !last.utf8.lexicographicallyPrecedes(next.utf8) {
            return .sequenceRegression(last: last)
        }
        return request.isWithheld ? .withheld : nil
    }
}
