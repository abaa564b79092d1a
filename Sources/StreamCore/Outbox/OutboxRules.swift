/// Which streams have somebody to be told when they end or expire, and how much is kept for that.
@available(freshet 0.1, *)
package struct OutboxRules: Sendable {
    /// Somebody who is told of the streams whose names begin with a text.
    package struct Receiver: Sendable, Hashable {
        package var name: String
        /// Beginnings of names, compared byte by byte; an empty one is that of every name.
        package var prefixes: [String]

        package init(name: String, prefixes: [String]) {
            self.name = name
            self.prefixes = prefixes
        }
    }

    package var receivers: [Receiver]
    /// The most that the content of one entry may count.
    package var contentBytes: Int
    /// The most that all entries may count; beyond it they are kept without their content.
    package var backlogBytes: Int

    package init(receivers: [Receiver] = [], contentBytes: Int = 256 << 10, backlogBytes: Int = 256 << 20) {
        self.receivers = receivers
        self.contentBytes = contentBytes
        self.backlogBytes = backlogBytes
    }

    /// Nobody is told of anything.
    package static let none = OutboxRules()

    /// Who is told of a stream. The server's own streams are nobody's.
    package func receivers(of stream: StreamName) -> [String] {
        guard !receivers.isEmpty, !stream.isReserved else { return [] }
        return receivers.filter { receiver in
            receiver.prefixes.contains { stream.text.utf8.starts(with: $0.utf8) }
        }.map(\.name)
    }

    /// Whether the content of an entry is kept beside what is kept already.
    package func standing(ofContent bytes: Int, events: Int, beside backlog: Int) -> OutboxEntry.Content {
        let cost = OutboxEntry.contentCost(events: events, bytes: bytes)
        if cost > contentBytes { return .omitted(.tooLarge) }
        return backlog + OutboxEntry.overhead + cost > backlogBytes ? .omitted(.backlog) : .kept
    }
}
