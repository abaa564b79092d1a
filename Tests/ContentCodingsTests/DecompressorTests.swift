import ContentCodings
import Testing

/// Of codings whose library may not be here, as on a machine without it: then there is nothing to test.
@Suite struct DecompressorTests {
    /// Three events, each flushed, as the reference implementations write them.
    private static let pieces: [String: [[UInt8]]] = [
        "br": [
            [11, 7, 0, 0, 164, 21, 64, 96, 116, 228, 32, 147, 136, 82, 215, 41, 178, 180, 98, 3, 3],
            [112, 0, 0, 64, 74, 33, 166, 52, 9, 38, 132, 196, 0],
            [112, 0, 0, 64, 74, 65, 166, 130, 208, 36, 0, 198, 0], [3],
        ],
        "zstd": [
            [
                40, 181, 47, 253, 0, 88, 120, 0, 0, 100, 97, 116, 97, 58, 32, 101, 118, 101, 110, 116, 32, 48, 10, 10,
            ],
            [76, 0, 0, 24, 49, 10, 10, 1, 0, 194, 77, 32], [84, 0, 0, 32, 100, 50, 10, 10, 1, 0, 6, 16, 2], [1, 0, 0],
        ],
    ]
    private static let codings = ["br", "zstd"].filter { Decompression.of($0) != nil }

    @Test(arguments: codings) func eachPieceGivesItsEvent(coding: String) throws {
        let decompressor = try #require(Decompression.of(coding))
        let texts = try #require(Self.pieces[coding]).map { String(decoding: decompressor.inflate($0), as: UTF8.self) }
        #expect(texts == ["data: event 0\n\n", "data: event 1\n\n", "data: event 2\n\n", ""])
        #expect(!decompressor.isBroken)
    }

    @Test(arguments: codings) func bytesMayComeOneByOne(coding: String) throws {
        let decompressor = try #require(Decompression.of(coding))
        let bytes = try #require(Self.pieces[coding]).joined().flatMap { decompressor.inflate([$0]) }
        #expect(String(decoding: bytes, as: UTF8.self) == "data: event 0\n\ndata: event 1\n\ndata: event 2\n\n")
    }

    @Test(arguments: codings) func whatIsNotOfItsCodingIsBroken(coding: String) throws {
        let decompressor = try #require(Decompression.of(coding))
        _ = decompressor.inflate(Array("data: this was never compressed, whatever its head says\n\n".utf8))
        #expect(decompressor.isBroken)
        #expect(decompressor.inflate([0]).isEmpty)
    }

    @Test func whatIsNotKnownIsLeftAlone() {
        #expect(Decompression.of("compress") == nil)
    }
}
