/// Ways to cut a stream into the pieces in which a network may deliver it.
enum Chunking {
    /// The whole, every cut into two, one byte per read (with empty reads between), and random cuts.
    static func all(of bytes: [UInt8], random count: Int = 20, seed: UInt64 = 1) -> [[[UInt8]]] {
        var chunkings = [[bytes], bytes.flatMap { [[$0], []] }]
        chunkings += bytes.indices.dropFirst().map { [Array(bytes[..<$0]), Array(bytes[$0...])] }
        var generator = SeededGenerator(seed: seed)
        for _ in 0..<count {
            chunkings.append(random(of: bytes, longest: 9, using: &generator))
        }
        return chunkings
    }

    /// Cuts into pieces of random length.
    static func random(of bytes: [UInt8], longest: Int, using generator: inout SeededGenerator) -> [[UInt8]] {
        var chunks: [[UInt8]] = []
        var rest = bytes[...]
        while !rest.isEmpty {
            let chunk = rest.prefix(Int.random(in: 1...longest, using: &generator))
            chunks.append(Array(chunk))
            rest = rest.dropFirst(chunk.count)
        }
        return chunks
    }
}
