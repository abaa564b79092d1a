/// A wish to create a stream.
@available(freshet 0.1, *)
package struct CreateRequest: Sendable {
    package var options: StreamOptions
    package var events: EventBatch
    package var end: EndRequest?
    /// Begin with what another stream holds. The events are appended after that.
    package var fork: ForkRequest?

    package init(
        options: StreamOptions,
        events: EventBatch = [],
        end: EndRequest? = nil,
        fork: ForkRequest? = nil
    ) {
        self.options = options
        self.events = events
        self.end = end
        self.fork = fork
    }
}

@available(freshet 0.1, *)
package enum CreateOutcome: Sendable {
    case created(StreamInfo)
    /// It is there, with the same options and in the same state: creating is idempotent.
    case exists(StreamInfo)
    /// It is there and differs in what is named.
    case conflict(StreamInfo, CreateConflict)
    /// It was deleted, and its name is kept as long as it has forks.
    case gone
    case forkRefused(ForkRefusal)

    /// What creating comes to when the stream is there. A lease may have been changed since: what counts is what the
    /// stream was created with.
    package init(_ info: StreamInfo, askedFor request: CreateRequest, createdWith options: StreamOptions) {
        let wanted = request.options
        let fork = request.fork
        let isSameFork = fork.map { info.forkedFrom?.matches($0) ?? false } ?? (info.forkedFrom == nil)
        self =
            if !isSameFork {
                .conflict(info, .fork)
            } else if fork?.inheritsContentType != true, !options.contentType.matches(wanted.contentType) {
                .conflict(info, .contentType)
            } else if fork?.inheritsExpiry != true, options.expiry != wanted.expiry {
                .conflict(info, .expiry)
            } else if options.leaseSeconds != wanted.leaseSeconds {
                .conflict(info, .lease)
            } else if options.retention != wanted.retention {
                .conflict(info, .retention)
            } else if options.responseFields != wanted.responseFields {
                .conflict(info, .responseFields)
            } else if (info.end != nil) != (request.end != nil) {
                .conflict(info, info.end != nil ? .ended : .open)
            } else {
                .exists(info)
            }
    }
}

@available(freshet 0.1, *)
package enum CreateConflict: String, Sendable {
    case contentType, expiry, lease, retention, responseFields, ended, open, fork
}

/// A wish to change a stream's log: events, an end, or both in one step.
@available(freshet 0.1, *)
package struct AppendRequest: Sendable {
    /// Only to the stream that was born there: one made anew under the name is another, and to that one it is as if
    /// there were none.
    package var birth: Offset?
    /// The type of the body; nil when there is none.
    package var contentType: ContentType?
    package var events: EventBatch
    package var producer: ProducerStamp?
    /// `Stream-Seq`: must be greater, byte by byte, than the last one of the stream.
    package var sequence: String?
    package var end: EndRequest?
    /// Only while it stands. None where the store is this node's alone.
    package var claim: StreamClaim?
    /// Keep nothing, and say only what the request comes to: `withheld` where it would be kept.
    package var isWithheld = false

    package init(
        to birth: Offset? = nil,
        contentType: ContentType? = nil,
        events: EventBatch = [],
        producer: ProducerStamp? = nil,
        sequence: String? = nil,
        end: EndRequest? = nil,
        claim: StreamClaim? = nil
    ) {
        self.birth = birth
        self.contentType = contentType
        self.events = events
        self.producer = producer
        self.sequence = sequence
        self.end = end
        self.claim = claim
    }
}

/// What became of a wish to append. The cases are in the order in which they are checked.
@available(freshet 0.1, *)
package enum AppendOutcome: Sendable, Equatable {
    case notFound
    /// The stream has ended. `producer` is what is remembered of the producer that asked, if it is known.
    case ended(StreamEnd, tail: Offset, producer: ProducerState?)
    /// The claim that the request states stands no longer.
    case superseded
    case typeMismatch(ContentType)
    /// An older epoch of the same producer.
    case fenced(currentEpoch: UInt64)
    case epochMustStartAtZero
    /// The same request was kept before.
    case duplicate(tail: Offset, end: StreamEnd?, producer: ProducerState)
    case gap(expected: UInt64, received: UInt64)
    case sequenceRegression(last: String)
    /// It could be kept, and was not to be.
    case withheld
    case appended(tail: Offset, end: StreamEnd?, producer: ProducerState?)
}
