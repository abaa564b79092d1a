package import NIOCore
package import StreamCore

/// What can be told of one reader that follows a stream.
@available(freshet 0.1, *)
package struct ReaderStanding: Sendable {
    package enum State: String, Sendable {
        /// There is no such stream yet.
        case waiting
        /// It reads what was there before.
        case catchingUp = "catching-up"
        /// At the tail.
        case following
        /// Its connection takes no more for now.
        case stalled
    }

    /// Nil for a long-poll.
    package var form: EventForm?
    /// The peer's address, without the port; empty where it is not known.
    package var address: String
    package var state: State
    /// The last event that was written; nil while there is no stream.
    package var position: Offset?
    /// How many events it was given.
    package var events: Int
    /// Since when it is here.
    package var age: TimeAmount
    /// For how long the peer has taken nothing, where its connection takes no more.
    package var stalledFor: TimeAmount?
}

/// Where a page of the readers of a stream goes on: on which event loop, and behind how many of its readers.
@available(freshet 0.1, *)
package struct ReaderCursor: Sendable, Equatable {
    package var loop = 0
    package var index = 0

    package init() {}

    /// What `text` says; nil for anything else.
    package init?(_ text: String) {
        let parts = text.split(separator: ".", omittingEmptySubsequences: false).map { Int($0) }
        guard parts.count == 2, let loop = parts[0], let index = parts[1], loop >= 0, index >= 0 else { return nil }
        self.loop = loop
        self.index = index
    }

    package var text: String { "\(loop).\(index)" }
}
