/// Closes the beginning of a valid text where it is open, by looking at it from its start: what the parser should
/// show, written down a second time.
struct PrefixCloser {
    /// The text up to the last place that says something, and what closes it there; nil if nothing is said yet.
    private var closed: [UInt8]?
    private let bytes: [UInt8]
    private var closers: [UInt8] = []

    /// The beginning of `text` of `count` bytes, closed.
    static func close(_ text: [UInt8], count: Int, isEnd: Bool) -> [UInt8]? {
        var closer = PrefixCloser(bytes: Array(text[..<count]))
        closer.run(isEnd: isEnd)
        return closer.closed
    }

    private init(bytes: [UInt8]) {
        self.bytes = bytes
    }

    /// Everything before `end` is to be shown.
    private mutating func show(before end: Int, adding quote: String = "") {
        closed = bytes[..<end] + quote.utf8 + closers.reversed()
    }

    private mutating func run(isEnd: Bool) {
        var index = 0
        var isKey = false
        while index < bytes.count {
            switch bytes[index] {
            case UInt8(ascii: "{"), UInt8(ascii: "["):
                isKey = bytes[index] == UInt8(ascii: "{")
                closers.append(bytes[index] + 2)
                index += 1
                show(before: index)
            case UInt8(ascii: "}"), UInt8(ascii: "]"):
                closers.removeLast()
                index += 1
                show(before: index)
            case UInt8(ascii: ","):
                isKey = closers.last == UInt8(ascii: "}")
                index += 1
            case UInt8(ascii: ":"):
                isKey = false
                index += 1
            case UInt8(ascii: "\""):
                index = string(from: index + 1, isShown: !isKey)
            case 0x20, 0x0A, 0x0D, 0x09:
                index += 1
            default:
                index = word(from: index, isEnd: isEnd)
            }
        }
    }

    private mutating func word(from start: Int, isEnd: Bool) -> Int {
        let end = bytes[start...].firstIndex { " \n\r\t,]}".utf8.contains($0) } ?? bytes.count
        let isWord = ["true", "false", "null"].contains { $0.utf8.elementsEqual(bytes[start..<end]) }
        if isWord || end < bytes.count || isEnd { show(before: end) }
        return end
    }

    private mutating func string(from start: Int, isShown: Bool) -> Int {
        var index = start
        if isShown { show(before: index, adding: "\"") }
        while index < bytes.count, bytes[index] != UInt8(ascii: "\"") {
            let length =
                switch bytes[index] {
                case UInt8(ascii: "\\"): escape(at: index)
                case ..<0x80: 1
                case ..<0xE0: 2
                case ..<0xF0: 3
                default: 4
                }
            guard index + length <= bytes.count else { return bytes.count }
            index += length
            if isShown { show(before: index, adding: "\"") }
        }
        guard index < bytes.count else { return index }
        if isShown { show(before: index + 1) }
        return index + 1
    }

    /// How long the escape is, the second half of a surrogate pair included.
    private func escape(at index: Int) -> Int {
        guard index + 1 < bytes.count else { return 2 }
        guard bytes[index + 1] == UInt8(ascii: "u") else { return 2 }
        let digits = String(decoding: bytes[(index + 2)...].prefix(2), as: UTF8.self).lowercased()
        return ["d8", "d9", "da", "db"].contains(digits) ? 12 : 6
    }
}
