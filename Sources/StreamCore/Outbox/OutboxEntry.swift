import TextCodecs

/// What somebody is to be told: that a stream ended, or that it expired.
@available(freshet 0.1, *)
package struct OutboxEntry: Sendable, Equatable {
    package enum Occasion: String, Sendable, CaseIterable {
        /// It ended, for one of the reasons a stream ends for.
        case ended
        /// It expired, or was taken to make room, and is gone.
        case expired
    }

    /// Whether the stream's events are kept with it.
    package enum Content: Sendable, Equatable {
        case kept
        case omitted(Omission)
    }

    /// Why the events of a stream are not kept with an entry.
    package enum Omission: String, Sendable, CaseIterable {
        /// They are more than one entry may have.
        case tooLarge = "too-large"
        /// All entries together are more than may be kept.
        case backlog
        /// The disk has no room.
        case disk
        /// They fail their check.
        case damaged
    }

    /// Entries are told in the order of their numbers. No number is given twice.
    package var number: Int64
    /// Nobody else has it, and it stays the same however often the entry is told.
    package var id: String
    /// Who is told.
    package var receiver: String
    package var occasion: Occasion
    /// As the stream was then: what its end made of it, or before it went.
    package var stream: StreamInfo
    /// In milliseconds since 1970.
    package var recordedAt: UInt64
    /// Since when it is being told: when it was recorded, or taken up again.
    package var waitingSince: UInt64
    /// The trace of the request that ended the stream: 32 hexadecimal digits.
    package var trace: String?
    package var content: Content
    /// Why nobody tries any more; nil while somebody does.
    package var failure: String?

    package init(
        _ occasion: Occasion,
        of stream: StreamInfo,
        to receiver: String,
        number: Int64 = 0,
        id: String = "msg_\(RandomToken.text())",
        at now: UInt64,
        trace: String? = nil,
        content: Content
    ) {
        self.number = number
        self.id = id
        self.receiver = receiver
        self.occasion = occasion
        // What it was created with beside its type is nobody's business later.
        self.stream = StreamInfo(
            name: stream.name,
            options: StreamOptions(contentType: stream.options.contentType),
            birth: stream.birth,
            floor: stream.floor,
            tail: stream.tail,
            end: stream.end,
            events: stream.events,
            bytes: stream.bytes
        )
        self.recordedAt = now
        self.waitingSince = now
        self.trace = trace
        self.content = content
    }

    /// What an entry counts beside its content.
    package static let overhead = 512
    /// What an event counts beside its data: about what its id and its braces are in JSON.
    package static let eventOverhead = 64

    package static func contentCost(events: Int, bytes: Int) -> Int { bytes + events * eventOverhead }

    /// What it counts against the bound on all entries.
    package var cost: Int {
        guard content == .kept else { return Self.overhead }
        return Self.overhead + Self.contentCost(events: stream.events, bytes: stream.bytes)
    }
}
