import ContentCodings
import NIOHTTP1
import StreamHTTP
import TextCodecs

/// A request whose body is packed: it is unpacked before anybody looks at it. Otherwise a streaming call would pass as
/// something else, and its `Idempotency-Key` with it.
@available(freshet 0.1, *)
enum RequestCoding {
    /// What a caller may use, as `Accept-Encoding` lists it.
    static let accepted = ["gzip", "deflate", "zstd"].filter { Decompression.of($0) != nil }.joined(separator: ", ")

    /// The coding of a body; nil for none.
    static func of(_ values: [String]) throws(Problem) -> String? {
        let named = named(in: values)
        guard let coding = named.first else { return nil }
        guard named.count == 1, ["gzip", "x-gzip", "deflate", "zstd"].contains(coding), Decompression.of(coding) != nil
        else { throw .unknownRequestCoding(accepted) }
        return coding
    }

    /// The codings that values of `Content-Encoding` name, in their order and without those that change nothing.
    static func named(in values: [String]) -> [String] {
        values.flatMap { $0.lowercased().split(separator: ",") }.map { String($0.trimmingBlanks()) }
            .filter { !$0.isEmpty && $0 != "identity" }
    }

    /// How many bytes a body unpacks to. Nothing of them is kept: a few kilobytes may unpack to any number, for which
    /// there has to be memory first.
    static func size(of body: [UInt8], _ coding: String, limit: Int) throws(Problem) -> Int {
        var size = 0
        try forEachPart(of: body, coding) { part throws(Problem) in
            size += part.count
            guard size <= limit else { throw .unpackedBodyTooLarge(limit) }
        }
        return size
    }

    /// Unpacks a body of a known size.
    static func unpack(_ body: [UInt8], _ coding: String, size: Int) throws(Problem) -> [UInt8] {
        var output: [UInt8] = []
        // Once: an array that grows is there twice while it does.
        output.reserveCapacity(size)
        try forEachPart(of: body, coding) { part throws(Problem) in output.append(contentsOf: part) }
        return output
    }

    private static func forEachPart(
        of body: [UInt8],
        _ coding: String,
        _ take: ([UInt8]) throws(Problem) -> Void
    ) throws(Problem) {
        guard let decompressor = Decompression.of(coding) else { throw .unknownRequestCoding(accepted) }
        decompressor.feed(body)
        while true {
            let part = decompressor.next()
            guard !part.isEmpty else { break }
            try take(part)
        }
        guard !decompressor.isBroken, decompressor.isComplete else { throw .brokenRequestCoding(coding) }
    }
}
