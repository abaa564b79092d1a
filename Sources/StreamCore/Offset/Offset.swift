/// The position just after one event of a stream: what an SSE `id` carries and what a reader comes back with.
///
/// An offset is 72 bits, 48 of milliseconds and 24 of counter, written as 12 characters of an alphabet that is in
/// ASCII order, so the order of the texts is the order of the events. No character of it makes a browser's
/// `Last-Event-ID` need a CORS preflight.
@available(freshet 0.1, *)
package struct Offset: Hashable, Comparable, Sendable {
    /// Milliseconds since 1970, at most 48 bits. Never earlier than those of an offset issued before.
    package let milliseconds: UInt64
    /// Counts within the millisecond, at most 24 bits.
    package let counter: UInt32

    /// The length of an offset's text, in bytes.
    package static let textLength = 12
    package static let maximumMilliseconds: UInt64 = (1 << 48) - 1
    package static let maximumCounter: UInt32 = (1 << 24) - 1

    package init(milliseconds: UInt64, counter: UInt32) {
        precondition(milliseconds <= Self.maximumMilliseconds && counter <= Self.maximumCounter, "offset out of range")
        self.milliseconds = milliseconds
        self.counter = counter
    }

    /// The offset a text stands for, or nil when it is not exactly 12 characters of the alphabet.
    package init?(_ text: some StringProtocol) {
        var high: UInt64 = 0
        var low: UInt32 = 0
        var count = 0
        for byte in text.utf8 {
            guard count < Self.textLength, let digit = Self.digit(of: byte) else { return nil }
            if count < 8 { high = high << 6 | UInt64(digit) } else { low = low << 6 | UInt32(digit) }
            count += 1
        }
        guard count == Self.textLength else { return nil }
        self.milliseconds = high
        self.counter = low
    }

    /// The 12 characters that go on the wire. Short enough for a `String` without an allocation.
    package var text: String {
        String(unsafeUninitializedCapacity: Self.textLength) { buffer in
            var high = milliseconds
            var low = counter
            for index in stride(from: 7, through: 0, by: -1) {
                buffer[index] = Self.character(of: UInt8(truncatingIfNeeded: high & 63))
                high >>= 6
            }
            for index in stride(from: 11, through: 8, by: -1) {
                buffer[index] = Self.character(of: UInt8(truncatingIfNeeded: low & 63))
                low >>= 6
            }
            return Self.textLength
        }
    }

    /// The offset a number of steps later, each the smallest there is. A full counter borrows the next millisecond.
    package func advanced(by steps: Int) -> Offset {
        let count = UInt64(counter) + UInt64(steps)
        return Offset(
            milliseconds: milliseconds + count / (UInt64(Self.maximumCounter) + 1),
            counter: UInt32(count % (UInt64(Self.maximumCounter) + 1))
        )
    }

    package static func < (left: Offset, right: Offset) -> Bool {
        (left.milliseconds, left.counter) < (right.milliseconds, right.counter)
    }

    // The alphabet `0-9A-Z_a-z~`, in ASCII order.
    private static func character(of digit: UInt8) -> UInt8 {
        switch digit {
        case 0..<10: UInt8(ascii: "0") + digit
        case 10..<36: UInt8(ascii: "A") + (digit - 10)
        case 36: UInt8(ascii: "_")
        case 37..<63: UInt8(ascii: "a") + (digit - 37)
        default: UInt8(ascii: "~")
        }
    }

    private static func digit(of character: UInt8) -> UInt8? {
        switch character {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): character - UInt8(ascii: "0")
        case UInt8(ascii: "A")...UInt8(ascii: "Z"): character - UInt8(ascii: "A") + 10
        case UInt8(ascii: "_"): 36
        case UInt8(ascii: "a")...UInt8(ascii: "z"): character - UInt8(ascii: "a") + 37
        case UInt8(ascii: "~"): 63
        default: nil
        }
    }
}

@available(freshet 0.1, *)
extension Offset: CustomStringConvertible {
    package var description: String { text }
}
