/// Ways to cut a text into the pieces in which a network may deliver it.
enum Chunking {
    /// The whole, every cut into two, one byte per piece (with empty pieces between), and random cuts.
    static func all(of bytes: [UInt8], using generator: inout SeededGenerator) -> [[[UInt8]]] {
        var chunkings = [[bytes], bytes.flatMap { [[$0], []] }]
        chunkings += bytes.indices.dropFirst().map { [Array(bytes[..<$0]), Array(bytes[$0...])] }
        for _ in 0..<10 { chunkings.append(random(of: bytes, longest: 9, using: &generator)) }
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
