/// The text of the string or number that is arriving.
///
/// Snapshots share its sealed pieces and copy only the tail, so that a long string costs each snapshot no more than a
/// short one.
struct GrowingText: Sendable {
    /// A tail of so many bytes is sealed: the most that a snapshot copies of a text that arrives in small pieces.
    static let tailBytes = 256

    private var pieces = PersistentArray<String>()
    private var pieceBytes = 0
    /// Whole scalars only.
    private var tail: [UInt8] = []

    /// How many bytes have been copied, by which tests show that the work is linear.
    private(set) var copiedBytes = 0

    var isEmpty: Bool { pieces.isEmpty && tail.isEmpty }

    mutating func append(_ bytes: Slice<UnsafeRawBufferPointer>) {
        tail.append(contentsOf: UnsafeRawBufferPointer(rebasing: bytes))
        copiedBytes &+= bytes.count
    }

    mutating func append(_ scalar: Unicode.Scalar) {
        tail.append(contentsOf: UTF8.encode(scalar) ?? UTF8.encodedReplacementCharacter)
    }

    /// Seals the tail if it is long.
    mutating func seal() {
        guard tail.count >= Self.tailBytes else { return }
        pieces.append(String(decoding: tail, as: UTF8.self))
        pieceBytes += tail.count
        copiedBytes &+= tail.count
        tail.removeAll(keepingCapacity: true)
    }

    /// Returns the whole text, of which these are the last bytes, and begins the next.
    mutating func take(with last: Slice<UnsafeRawBufferPointer>) -> String {
        if isEmpty {
            copiedBytes &+= last.count
            return String(decoding: UnsafeRawBufferPointer(rebasing: last), as: UTF8.self)
        }
        append(last)
        return take()
    }

    /// Returns the whole text and begins the next.
    mutating func take() -> String {
        var text = String(decoding: tail, as: UTF8.self)
        if !pieces.isEmpty {
            text = JSONString(snapshot()).text
            pieces = PersistentArray()
        }
        copiedBytes &+= text.utf8.count
        tail.removeAll(keepingCapacity: true)
        pieceBytes = 0
        return text
    }

    func snapshot() -> JSONString.Growing {
        JSONString.Growing(
            pieces: pieces,
            rest: String(decoding: tail, as: UTF8.self),
            utf8Count: pieceBytes + tail.count
        )
    }
}
