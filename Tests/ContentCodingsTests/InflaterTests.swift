import ContentCodings
import Testing

@Suite("gzip and deflate, taken apart while they arrive")
struct InflaterTests {
    /// An event, flushed, and another one with the end.
    private static let pieces: [[UInt8]] = [
        [
            31, 139, 8, 0, 0, 0, 0, 0, 0, 3, 74, 73, 44, 73, 180, 82, 200, 72, 205, 201, 201, 231, 226, 2, 0, 0, 0, 255,
            255,
        ],
        [75, 65, 230, 0, 0, 221, 117, 27, 48, 26, 0, 0, 0],
    ]

    @Test("a piece gives what it tells, and the end is not taken for it")
    func flushed() throws {
        let inflater = try #require(Decompression.of("gzip"))
        for (piece, isLast) in zip(Self.pieces, [false, true]) {
            #expect(String(decoding: inflater.inflate(piece), as: UTF8.self) == "data: hello\n\n")
            #expect(inflater.isComplete == isLast)
        }
        // Another member may follow, and nothing else.
        #expect(Self.pieces.flatMap { inflater.inflate($0) }.count == 26)
        #expect(inflater.isComplete)
        _ = inflater.inflate([1, 2, 3, 4])
        #expect(inflater.isBroken)
    }

    @Test("any number of members without content may come before one that has some")
    func emptyMembers() throws {
        let inflater = try #require(Decompression.of("gzip"))
        let empty: [UInt8] = [31, 139, 8, 0, 0, 0, 0, 0, 0, 3, 3, 0, 0, 0, 0, 0, 0, 0, 0, 0]
        let body = Array(repeatElement(empty, count: 200_000).joined()) + Self.pieces.joined()
        #expect(String(decoding: inflater.inflate(body), as: UTF8.self) == "data: hello\n\ndata: hello\n\n")
        #expect(inflater.isComplete && !inflater.isBroken)
    }

    @Test("a part is never larger than it may be")
    func parts() throws {
        // 1 MiB of zeros, as raw deflate: what a small body unpacks to comes in parts.
        let inflater = try #require(Decompression.of("deflate"))
        var total = 0
        inflater.feed(Self.zeros)
        while true {
            let part = inflater.next()
            guard !part.isEmpty else { break }
            #expect(part.count <= Decompression.part)
            total += part.count
        }
        #expect(total == 258 * 1000 + 1)
        #expect(!inflater.isBroken)
    }

    /// A block of fixed codes (RFC 1951, section 3.2.6): a zero, and a thousand times 258 more of it.
    private static let zeros: [UInt8] = {
        var bits: [Bool] = [true, true, false]
        bits += [false, false, true, true, false, false, false, false]
        for _ in 0..<1000 {
            // Length 258 is code 285, 11000101; distance 1 is code 0.
            bits += [true, true, false, false, false, true, false, true] + [Bool](repeating: false, count: 5)
        }
        bits += [Bool](repeating: false, count: 7)
        var bytes = [UInt8](repeating: 0, count: (bits.count + 7) / 8)
        for (index, bit) in bits.enumerated() where bit { bytes[index / 8] |= 1 << UInt8(index % 8) }
        return bytes
    }()
}
