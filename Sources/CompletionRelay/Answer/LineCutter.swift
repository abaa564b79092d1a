import NIOCore
import TextCodecs

/// Cuts a body into its lines, whatever the pieces it comes in. A line ends with LF; blanks around it are none of it.
@available(freshet 0.1, *)
struct LineCutter: Sendable {
    private var partial: [UInt8] = []
    private let limit: Int

    init(limit: Int) { self.limit = limit }

    /// Tells the lines that are complete, without those that are blank. False when one is longer than a line may be.
    mutating func received(_ piece: ByteBufferView, line: ([UInt8]) -> Void) -> Bool {
        var rest = piece[...]
        while let end = rest.firstIndex(of: UInt8(ascii: "\n")) {
            partial.append(contentsOf: rest[..<end])
            rest = rest[(end + 1)...]
            guard partial.count <= limit else { return false }
            tell(line)
        }
        partial.append(contentsOf: rest)
        return partial.count <= limit
    }

    /// The last line may have no end.
    mutating func ended(line: ([UInt8]) -> Void) { tell(line) }

    private mutating func tell(_ line: ([UInt8]) -> Void) {
        let whole = JSONSlice(partial).raw
        if !whole.isEmpty { line(Array(whole)) }
        partial.removeAll(keepingCapacity: true)
    }
}
