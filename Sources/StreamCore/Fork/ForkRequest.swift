/// A wish to begin a stream with what another one holds up to a point (Durable Streams protocol, section 4.2).
@available(freshet 0.1, *)
package struct ForkRequest: Hashable, Sendable {
    package var source: StreamName
    /// Where the fork leaves its source; the tail is what the protocol means by no offset.
    package var point: ReadPosition
    /// How far beyond the point: messages of a JSON stream, bytes of the body of any other.
    package var beyond: Int
    /// Whether the fork takes what was not asked for from its source.
    package var inheritsContentType: Bool
    package var inheritsExpiry: Bool
    /// How many bytes of data the fork may begin with, those that are appended to it in the same step among them; nil
    /// is no limit.
    package var mostBytes: Int?

    package init(
        source: StreamName,
        point: ReadPosition = .now,
        beyond: Int = 0,
        inheritsContentType: Bool = true,
        inheritsExpiry: Bool = true
    ) {
        self.source = source
        self.point = point
        self.beyond = beyond
        self.inheritsContentType = inheritsContentType
        self.inheritsExpiry = inheritsExpiry
    }

    /// Why the fork may not begin with so many bytes; nil where it may.
    package func refusal(ofBytes bytes: Int) -> ForkRefusal? {
        guard let mostBytes, bytes > mostBytes else { return nil }
        return .tooLarge(bytes: bytes)
    }
}

/// Where a fork came from, as long as it lives.
@available(freshet 0.1, *)
package struct ForkOrigin: Hashable, Sendable {
    package let source: StreamName
    /// The point that was asked for, and the tail of that moment where none was: never `now`.
    package let point: ReadPosition
    package let beyond: Int

    package init(source: StreamName, point: ReadPosition, beyond: Int) {
        self.source = source
        self.point = point
        self.beyond = beyond
    }

    /// Whether the same fork is asked for again. No offset means the tail of the moment when the fork was made.
    package func matches(_ request: ForkRequest) -> Bool {
        source == request.source && beyond == request.beyond && (request.point == .now || request.point == point)
    }
}

/// Why a stream cannot be forked like this.
@available(freshet 0.1, *)
package enum ForkRefusal: Equatable, Sendable {
    case sourceNotFound
    /// The source was deleted, and its name is kept only for the forks it has.
    case sourceGone
    case typeMismatch(ContentType)
    case beyondTail(Offset)
    /// Retention took events that the fork would begin with.
    case belowFloor(Offset)
    /// No offset the source ever gave.
    case unknownPoint
    /// There is nothing so far beyond the point, or it is inside an event that cannot be cut.
    case badSubOffset
    /// It would begin with so many bytes, which are more than it may.
    case tooLarge(bytes: Int)
}
