import ContentCodings
import NIOHTTP1
import StreamHTTP
import TextCodecs

/// A request whose body is packed: it is unpacked before anybody looks at it. Otherwise a streaming call would pass as
/// something else, and its `Idempotency-Key` with it.
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

    static func unpack(_ body: [UInt8], _ coding: String, limit: Int) throws(Problem) -> [UInt8] {
        guard let decompressor = Decompression.of(coding) else { throw .unknownRequestCoding(accepted) }
        var output: [UInt8] = []
        decompressor.feed(body)
        while true {
            let part = decompressor.next()
            guard !part.isEmpty else { break }
            guard output.count + part.count <= limit else { throw .unpackedBodyTooLarge(limit) }
            output.append(contentsOf: part)
        }
        guard !decompressor.isBroken, decompressor.isComplete else { throw .brokenRequestCoding(coding) }
        return output
    }
}
