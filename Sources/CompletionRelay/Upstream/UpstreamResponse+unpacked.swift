import ContentCodings
import NIOCore
import StreamHTTP
import TextCodecs

@available(freshet 0.1, *)
extension UpstreamResponse {
    /// The coding that the body has; nil for none. Several are one that nobody knows.
    var coding: String? {
        let named = RequestCoding.named(
            in: headers.filter { $0.name.lowercased() == "content-encoding" }.map(\.value)
        )
        return named.isEmpty ? nil : named.joined(separator: ", ")
    }

    /// The same without the coding that nobody asked for; nil where that cannot be undone here.
    ///
    /// Each piece gives all that it tells, in parts: what one piece unpacks to is as much as it likes, and nobody holds
    /// it. A body that ends before its coding does is torn.
    func unpacked() -> UpstreamResponse? {
        guard let coding else { return self }
        guard Decompression.of(coding) != nil else { return nil }
        let packed = body
        let fields = headers.filter { !["content-encoding", "content-length"].contains($0.name.lowercased()) }
        return UpstreamResponse(status: status, headers: fields) { take in
            guard let decompressor = Decompression.of(coding) else { throw UpstreamError.unreachable("unknown coding") }
            try await packed { piece in
                decompressor.feed(Array(piece.readableBytesView))
                while true {
                    let part = decompressor.next()
                    guard !part.isEmpty else { break }
                    try await take(ByteBuffer(bytes: part))
                }
                guard !decompressor.isBroken else {
                    throw UpstreamError.unreachable("its response is not the \(coding) that its header says")
                }
            }
            guard decompressor.isComplete else {
                throw UpstreamError.unreachable("its response ended before its \(coding) did")
            }
        }
    }
}
