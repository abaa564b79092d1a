import TextCodecs

/// Says that a node is at work on a stream, in a store that several nodes share: with a streaming append, or with the
/// call of a relay answer. What it appends states the claim, and is refused once the claim stands no longer.
///
/// It belongs to a session of the node, which is over when the node is found dead. Two numbers, so that nothing is
/// counted when an append is handed on.
@available(freshet 0.1, *)
package struct StreamClaim: Hashable, Sendable {
    package enum Kind: Hashable, Sendable {
        /// While it is open the stream's lease does not run; after it, it does.
        case streamingAppend
        /// An answer of the relay. It ends with its call: with `interruption`, where nobody has said how.
        case answer
    }

    /// How an answer ends whose call is gone.
    package static let interruption = EndRequest(.failed, detail: "interrupted")

    /// The node's session: drawn at random.
    package let session: UInt64
    /// Counts the claims of a session.
    package let number: UInt64

    package init(session: UInt64, number: UInt64) {
        self.session = session
        self.number = number
    }

    /// 16 hexadecimal digits of the session, a dot, and the number: `00000000000000ff.7`.
    package var text: String {
        let digits = stride(from: 60, through: 0, by: -4).map { Hexadecimal.digit(UInt8(session >> $0 & 15)) }
        return "\(String(decoding: digits, as: UTF8.self)).\(number)"
    }

    /// Nil for what is not exactly the text of a claim.
    package init?(_ text: String) {
        let bytes = Array(text.utf8)
        guard bytes.count > 17, bytes[16] == UInt8(ascii: ".") else { return nil }
        var session: UInt64 = 0
        for byte in bytes.prefix(16) {
            guard let digit = Hexadecimal.value(byte) else { return nil }
            session = session << 4 | UInt64(digit)
        }
        guard let number = UInt64(text.dropFirst(17)) else { return nil }
        self.init(session: session, number: number)
        guard self.text == text else { return nil }
    }
}
