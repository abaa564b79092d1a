/// Everything that was seen of one exchange, with when. Moments are milliseconds on the clock of this machine.
@available(freshet 0.1, *)
package struct Recording: Sendable {
    package struct Piece: Sendable, Equatable {
        package var at: Double
        package var bytes: [UInt8]

        package init(at: Double, bytes: [UInt8]) {
            self.at = at
            self.bytes = bytes
        }
    }

    /// When the request went out.
    package var sentAt: Double
    package var head: ResponseHead?
    package var headAt: Double?
    /// The body as it came, still coded.
    package var pieces: [Piece] = []
    package var end: ResponseEnd
    package var endAt: Double

    package init(
        sentAt: Double,
        head: ResponseHead? = nil,
        headAt: Double? = nil,
        pieces: [Piece] = [],
        end: ResponseEnd,
        endAt: Double
    ) {
        self.sentAt = sentAt
        self.head = head
        self.headAt = headAt
        self.pieces = pieces
        self.end = end
        self.endAt = endAt
    }

    package var body: [UInt8] { pieces.flatMap(\.bytes) }
}
