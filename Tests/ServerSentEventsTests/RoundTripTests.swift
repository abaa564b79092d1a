import ServerSentEvents
import Testing

@Suite("Encode, then parse")
struct RoundTripTests {
    /// What a reader makes of data: U+FFFD for what is not UTF-8, and LF for every line end.
    private func normalised(_ data: [UInt8]) -> String {
        var scalars = String.UnicodeScalarView()
        var afterCarriageReturn = false
        for scalar in String(decoding: data, as: UTF8.self).unicodeScalars {
            if scalar != "\n" || !afterCarriageReturn {
                scalars.append(scalar == "\r" ? "\n" : scalar)
            }
            afterCarriageReturn = scalar == "\r"
        }
        return String(scalars)
    }

    /// Bytes that are likely to mean something in an event stream, or to break UTF-8.
    private func bytes(upTo length: Int, using generator: inout SeededGenerator) -> [UInt8] {
        let pieces: [String] = [
            "\r", "\n", "\r\n", ":", " ", "data", "data: x", "id: 1", "event", "retry: 1", "\u{FEFF}", "\0", "é", "…",
            "😀", "\u{301}", "\u{2028}", "a",
        ]
        var bytes: [UInt8] = []
        for _ in 0..<Int.random(in: 0...length, using: &generator) {
            if Bool.random(using: &generator) {
                bytes += pieces.randomElement(using: &generator).map { Array($0.utf8) } ?? []
            } else {
                bytes.append(.random(in: 0...255, using: &generator))
            }
        }
        return bytes
    }

    private func oneLine(using generator: inout SeededGenerator) -> String {
        let bytes = bytes(upTo: 6, using: &generator).filter { ![0x0A, 0x0D, 0x00].contains($0) }
        return String(decoding: bytes, as: UTF8.self)
    }

    @Test("Arbitrary fields give exactly one equal event over any chunking", arguments: 0..<20)
    func arbitraryFields(_ run: Int) throws {
        var generator = SeededGenerator(seed: .random(in: 0...UInt64.max))
        for _ in 0..<200 {
            let data = bytes(upTo: 12, using: &generator)
            let block = EventBlock(
                comment: Bool.random(using: &generator)
                    ? String(decoding: bytes(upTo: 6, using: &generator), as: UTF8.self) : nil,
                event: Bool.random(using: &generator) ? oneLine(using: &generator) : nil,
                retry: Bool.random(using: &generator) ? .random(in: 0...Int.max, using: &generator) : nil,
                id: Bool.random(using: &generator) ? oneLine(using: &generator) : nil,
                data: data
            )
            let encoder = EventStreamEncoder(spaceAfterColon: .random(using: &generator))
            let encoded = try encoder.encode(block)
            let parsed = try Parsed(
                Chunking.random(of: encoded, longest: 16, using: &generator),
                lastEventID: "before"
            )
            let type = block.event.flatMap { $0.isEmpty ? nil : $0 } ?? "message"
            let expected = ServerSentEvent(type: type, data: normalised(data), lastEventID: block.id ?? "before")
            let comments = block.comment.map { comment in
                normalised(Array(comment.utf8)).utf8.split(separator: 0x0A, omittingEmptySubsequences: false).map {
                    line in
                    let needsSpace = encoder.spaceAfterColon || line.first == 0x20
                    return (needsSpace ? " " : "") + String(decoding: line, as: UTF8.self)
                }
            }
            let isRight =
                parsed.events == [expected] && parsed.comments == comments ?? []
                && parsed.retries == [block.retry].compactMap(\.self) && !parsed.hadUnfinishedBlock
            try #require(isRight, "seed \(generator.seed): \(block) gives \(parsed)")
        }
    }
}
