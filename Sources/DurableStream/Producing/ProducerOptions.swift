import EventSource

@available(freshet 0.1, *)
extension DurableStream {
    /// What a producer writes, and how.
    public struct ProducerOptions: Sendable {
        /// The stream's media type, which says what is appended; see ``Producer``.
        public var contentType: String
        /// Create the stream, or find it open with the same type and times. Otherwise it has to be there.
        public var creates = true
        /// Go on with any open stream of that type, whatever its times are.
        public var acceptsAnyOpenStream = false
        /// After so long without a reader or a writer the stream is deleted; whole seconds, rounded up.
        public var timeToLive: Duration?
        /// After so long without this producer the stream ends as abandoned; whole seconds, rounded up, `nil` for
        /// never. While nothing is appended the producer renews it, and so learns within five seconds that the stream
        /// was cancelled. Freshet's own: a server that knows no leases is asked once and no more.
        public var lease: Duration? = .seconds(60)
        /// Who writes. By default each producer is one of its own, so that several can write one stream.
        public var identity: ProducerIdentity?
        /// When the server refuses something that was appended, end the stream as failed, so that its readers are told.
        /// Otherwise it stays open, for the other producers of the stream.
        public var endsAfterRefusal = true
        /// ``Producer`` waits while so many bytes are not acknowledged. Beyond them there is one event at most for each
        /// task that appends.
        public var maximumPendingBytes = 1 << 20
        /// A request holds so many bytes at most, or one event that is longer. It becomes less when the server says so.
        public var maximumBatchBytes = Batcher.batchBytes
        /// A request holds so many events at most. It becomes less when the server says so.
        public var maximumBatchEvents = Batcher.batchPieces

        /// The defaults above.
        public init(contentType: String = "text/plain") {
            self.contentType = contentType
        }

        func settings(_ configuration: Configuration) -> ProducerEngine.Machine.Settings {
            var settings = ProducerEngine.Machine.Settings(
                contentType: contentType,
                end: endsAfterRefusal ? End(reason: .done) : nil
            )
            settings.creates = creates
            settings.acceptsAnyOpenStream = acceptsAnyOpenStream
            settings.leaseSeconds = lease.map { Int($0.wholeSeconds) }
            settings.isSoleOwner = identity == nil
            settings.maximumPendingBytes = maximumPendingBytes
            settings.maximumBatchBytes = maximumBatchBytes
            settings.maximumBatchEvents = maximumBatchEvents
            settings.patience = configuration.patience
            settings.retryBase = configuration.retryBase
            settings.retryMaximum = configuration.retryMaximum
            return settings
        }

        /// Why a producer cannot be made of it; nil if it can.
        var trouble: String? {
            if let identity {
                guard 1...256 ~= identity.id.utf8.count, !identity.id.utf8.contains(where: { $0 < 0x20 || $0 == 0x7F })
                else { return "a producer's id has 1 to 256 bytes and no control characters" }
                guard 0...ProducerIdentity.highestEpoch ~= identity.epoch else {
                    return "a producer's epoch is a number from 0 to \(ProducerIdentity.highestEpoch)"
                }
            }
            guard maximumPendingBytes > 0, maximumBatchBytes > 0, maximumBatchEvents > 0 else {
                return "a producer's bounds are at least 1"
            }
            return nil
        }
    }

    /// A producer's name, and which of its lives this is.
    ///
    /// Of several producers of one stream with the same id, the one with the highest epoch writes: the others are told
    /// ``DurableStreamError/Code-swift.enum/fenced``. So give each life of a producer a higher epoch than the one
    /// before: a count that you keep, or the time in milliseconds. With an epoch that was used before, the numbers
    /// that the server has of it are not this producer's, and that is an error too.
    public struct ProducerIdentity: Sendable, Hashable {
        /// What the protocol's numbers are limited to, 2^53 - 1.
        static let highestEpoch = 9_007_199_254_740_991

        /// 1 to 256 bytes without control characters.
        public var id: String
        /// 0 to 9007199254740991.
        public var epoch: Int

        /// A name and a life.
        public init(id: String, epoch: Int) {
            self.id = id
            self.epoch = epoch
        }
    }
}
