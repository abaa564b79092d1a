import TextCodecs

/// The bytes of a chunk, and where the JSON values are in them.
@available(freshet 0.1, *)
struct ChunkBytes: Equatable {
    private(set) var bytes: [UInt8] = []
    private(set) var values: [Range<Int>] = []
    let kind: StreamKind

    init(kind: StreamKind) {
        self.kind = kind
    }

    /// There is no event in it. An empty array is the bytes of none.
    var isEmpty: Bool { kind == .json ? values.isEmpty : bytes.isEmpty }

    /// Takes what a server gave as one whole.
    ///
    /// - Throws: If that is no whole JSON where it should be.
    mutating func append(_ part: [UInt8]) throws(JSONError) {
        switch kind {
        case .json:
            var found: [Range<Int>] = []
            try JSONText.scanMessages(of: part) { found.append($0) }
            if bytes.isEmpty {
                (bytes, values) = (part, found)
            } else {
                // Two arrays become one.
                let all = values.map { Array(bytes[$0]) } + found.map { Array(part[$0]) }
                (bytes, values) = ([UInt8(ascii: "[")], [])
                for value in all {
                    if !values.isEmpty { bytes.append(UInt8(ascii: ",")) }
                    values.append(bytes.count..<(bytes.count + value.count))
                    bytes += value
                }
                bytes.append(UInt8(ascii: "]"))
            }
        case .ndjson:
            let start = bytes.count
            bytes += part
            try findLines(from: start)
        case .eventStream, .text, .binary:
            bytes += part
        }
    }

    private mutating func findLines(from start: Int) throws(JSONError) {
        for line in bytes[start...].split(separator: UInt8(ascii: "\n")) {
            let isBlank = { (byte: UInt8) in byte == 0x20 || byte == 0x09 || byte == 0x0D }
            let blanks = line.prefix(while: isBlank).count
            guard blanks < line.count else { continue }
            try JSONText.validate(bytes, line.indices)
            values.append((line.startIndex + blanks)..<line.endIndex)
        }
    }
}
