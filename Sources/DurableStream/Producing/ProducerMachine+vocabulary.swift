package import EventSource

@available(freshet 0.1, *)
extension ProducerMachine {
    package struct Settings: Sendable {
        /// With a lease, the server hears from the producer at least this often, and the producer from the server.
        package static var longestSilence: Duration { .seconds(5) }

        package var contentType: String
        /// Create the stream first. Otherwise it is there.
        package var creates = true
        /// Seconds of lease the stream is created with; renewed while there is nothing to send.
        package var leaseSeconds: Int?
        /// Append to an open stream of that name even if its lease or time to live is another.
        package var acceptsAnyOpenStream = false
        /// Nobody else has this producer's id and epoch: what the server has of a number is this producer's.
        package var isSoleOwner = true
        /// How the stream is ended when the input ends; nil leaves it open.
        package var end: EventSource.End?
        /// Reading stops while this much is unacknowledged.
        package var maximumPendingBytes = 1 << 20
        package var maximumBatchBytes = Batcher.batchBytes
        package var maximumBatchEvents = Batcher.batchPieces
        /// Give up after this long without a response to go on with.
        package var patience = Duration.seconds(300)
        package var retryBase = Duration.milliseconds(250)
        package var retryMaximum = Duration.seconds(15)

        package init(contentType: String, end: EventSource.End? = nil) {
            self.contentType = contentType
            self.end = end
        }

        package var kind: StreamKind { StreamKind(contentType) }
    }

    package enum Request: Equatable, Sendable {
        case create
        case append(sequence: Int, body: [UInt8])
        case renewLease
        case end(sequence: Int, EventSource.End)
        /// Whether the append of this number was kept: its repetition was refused, which says nothing of the attempts
        /// before. Asked with an append whose number is too high by one even if it was, and which is so never kept.
        case question(sequence: Int, RefusedAppend)

        var isAppend: Bool {
            if case .append = self { true } else { false }
        }

        /// It names the producer.
        var isNumbered: Bool {
            switch self {
            case .append, .end, .question: true
            case .create, .renewLease: false
            }
        }

        var bodyBytes: Int {
            switch self {
            case .append(_, let body): body.count
            case .question(_, let refused): refused.bytes
            case .create, .renewLease, .end: 0
            }
        }
    }

    /// An append that the server refused, and what it said.
    package struct RefusedAppend: Equatable, Sendable {
        package var bytes: Int
        package var status: Int
        package var code: String?
        package var problem: String
    }

    package enum Outcome: Equatable, Sendable {
        /// Everything was acknowledged, and the stream ended as asked; or was left open, as asked.
        case complete
        /// Everything before was acknowledged; the stream was ended as failed, for this reason.
        case inputFailed(String)
        /// Someone else ended the stream.
        case ended(EventSource.End)
        case refused(String)
        /// A response of success that says nothing of a stream.
        case foreign(status: Int)
        /// A newer epoch of this producer writes the stream, or another of the same epoch does, if none is told.
        case fenced(String, epoch: Int?)
        case gone(String)
        case gaveUp(String)
        /// Nobody wants it any more.
        case stopped
    }

    package enum Action: Equatable, Sendable {
        case send(Request)
        /// Call ``timer(at:)`` then, unless something else happens before.
        case wait(until: Duration)
        case finish(Outcome)
        /// Something will happen: a response or input.
        case nothing
    }
}
