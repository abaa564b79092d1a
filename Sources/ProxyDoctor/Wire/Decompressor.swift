/// Undoes a content coding while it arrives: each call gives all that the bytes so far tell.
protocol Decompressor: AnyObject {
    /// Whether the bytes are none of that coding.
    var isBroken: Bool { get }

    func inflate(_ bytes: [UInt8]) -> [UInt8]
}

/// What can be undone here: gzip and deflate always, br and zstd where this machine has the libraries.
enum Decompression {
    /// Most bytes of output of one call; what is more is left out, since a small body may unpack to anything.
    static let limit = 8 << 20

    /// Nil for a coding that is not known here.
    static func of(_ coding: String) -> (any Decompressor)? {
        switch coding {
        case "br": BrotliDecompressor()
        case "zstd": ZstandardDecompressor()
        default: Inflater(coding: coding)
        }
    }
}
