package import StreamCore

/// Why something asked of a stream was not done.
@available(freshet 0.1, *)
public struct EventStreamError: Error, Sendable, Hashable, CustomStringConvertible {
    /// The kinds of failure. More may come with later versions.
    public struct Code: Sendable, Hashable, CustomStringConvertible {
        private enum Kind: String {
            case invalidName, invalidOptions, invalidEvent
            case notFound, ended, alreadyExists, superseded
            case full, unavailable, outcomeUnknown, damaged, stopped
        }

        private let kind: Kind

        private init(_ kind: Kind) {
            self.kind = kind
        }

        /// The text cannot name a stream.
        public static let invalidName = Code(.invalidName)
        /// Something about how the stream should be is not allowed.
        public static let invalidOptions = Code(.invalidOptions)
        /// The event is not what the stream's type allows, or too large. Nothing was appended.
        public static let invalidEvent = Code(.invalidEvent)
        /// There is no such stream.
        public static let notFound = Code(.notFound)
        /// The stream has ended, and ``EventStreamError/end`` says how. Nothing was appended.
        public static let ended = Code(.ended)
        /// A stream of that name is there and differs in how it was created.
        public static let alreadyExists = Code(.alreadyExists)
        /// A newer producer of the same name took over.
        public static let superseded = Code(.superseded)
        /// A bound of the whole store is reached. Nothing was changed.
        public static let full = Code(.full)
        /// The store cannot be reached now, or was closed. Nothing was changed.
        public static let unavailable = Code(.unavailable)
        /// It may or may not have been done: read the stream to know.
        public static let outcomeUnknown = Code(.outcomeUnknown)
        /// What is kept of the stream fails its check.
        public static let damaged = Code(.damaged)
        /// The server was stopped while it was read.
        public static let stopped = Code(.stopped)

        /// The word in the source.
        public var description: String { kind.rawValue }
    }

    /// The kind of failure.
    public var code: Code
    /// What was wrong, where, and what to do.
    public var message: String
    /// How the stream ended, where that is the reason.
    public var end: EventStream.End?

    /// The message.
    public var description: String { message }

    init(_ code: Code, _ message: String, end: EventStream.End? = nil) {
        self.code = code
        self.message = message
        self.end = end
    }
}

@available(freshet 0.1, *)
extension EventStreamError {
    init(_ error: StoreError) {
        switch error {
        case .full(let bound):
            self.init(.full, "The store is full (\(bound.rawValue)). Delete streams, or raise its limits.")
        case .ownerFull(let limit):
            self.init(.full, "The streams of this one's creator keep \(limit) bytes, or would. Delete some of them.")
        case .unavailable(let reason): self.init(.unavailable, "The store cannot be reached now: \(reason)")
        case .outcomeUnknown(let reason):
            self.init(.outcomeUnknown, "It is not known whether it was kept; read the stream to know: \(reason)")
        case .damaged(let reason):
            self.init(.damaged, "What is kept of the stream fails its check: \(reason)")
        }
    }

    package init(_ error: StreamName.Invalid, name: String) {
        let reason =
            switch error {
            case .empty: "it is empty"
            case .tooLong: "it is longer than \(StreamName.maximumBytes) bytes"
            case .emptySegment: "it has an empty segment"
            case .dotSegment: "it has a segment `.` or `..`"
            case .controlCharacter: "it has a control character"
            }
        self.init(.invalidName, "\"\(name.prefix(128))\" cannot name a stream: \(reason).")
    }

    static func notFound(_ name: StreamName) -> EventStreamError {
        EventStreamError(.notFound, "There is no stream \"\(name)\". Create it first.")
    }

    static func ended(_ end: StreamEnd, _ name: StreamName) -> EventStreamError {
        EventStreamError(
            .ended,
            "The stream \"\(name)\" has ended with the reason `\(end.reason.rawValue)`. Use another stream.",
            end: EventStream.End(end)
        )
    }
}
