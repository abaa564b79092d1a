/// Undoes a content coding while it arrives: gives all that the bytes so far tell, a little at a time.
@available(freshet 0.1, *)
package protocol Decompressor: AnyObject {
    /// Whether the bytes are none of that coding.
    var isBroken: Bool { get }
    /// Whether the coding's own end has come, and nothing after it.
    var isComplete: Bool { get }

    /// Takes the next bytes. What the ones before tell must have been taken.
    func feed(_ bytes: [UInt8])

    /// The next part of what they tell, at most `Decompression.part` bytes; empty when more bytes are needed.
    func next() -> [UInt8]
}

@available(freshet 0.1, *)
extension Decompressor {
    /// All that these bytes tell, up to a limit; what is more is left out, since a small body may unpack to anything.
    package func inflate(_ bytes: [UInt8]) -> [UInt8] {
        guard !isBroken, !bytes.isEmpty else { return [] }
        feed(bytes)
        var output: [UInt8] = []
        while output.count < Decompression.limit {
            let part = next()
            guard !part.isEmpty else { break }
            output.append(contentsOf: part)
        }
        return output
    }
}

/// The bytes that a decompressor was given and has not taken in yet.
@available(freshet 0.1, *)
struct PendingInput {
    private(set) var bytes: [UInt8] = []
    /// How many of them are taken in.
    var position = 0

    var isEmpty: Bool { position == bytes.count }

    mutating func append(_ more: [UInt8]) {
        bytes = isEmpty ? more : Array(bytes[position...]) + more
        position = 0
    }
}

/// What can be undone here: gzip and deflate always, br and zstd where this machine has the libraries.
@available(freshet 0.1, *)
package enum Decompression {
    /// Most bytes of output of one call of `inflate`.
    static let limit = 8 << 20
    /// Most bytes of one part.
    package static let part = 16 << 10
    /// The largest window of zstd, as its RFC recommends it (8878, section 3.1.1.1.2): what a decoder holds.
    static let zstandardWindowLog: Int32 = 23

    /// Nil for a coding that is not known here.
    package static func of(_ coding: String) -> (any Decompressor)? {
        switch coding {
        case "br": BrotliDecompressor()
        case "zstd": ZstandardDecompressor()
        default: Inflater(coding: coding)
        }
    }
}
