import Crypto
import StreamHTTP
import TextCodecs

/// A file that is compiled into the program, as a server serves it.
@available(freshet 0.1, *)
struct StaticFile: Sendable {
    private let body: [UInt8]
    private let type: String
    private let etag: String

    init(_ body: [UInt8], type: String) {
        self.body = body
        self.type = type
        self.etag = "\"" + Hexadecimal.text(SHA256.hash(data: body).prefix(12)) + "\""
    }

    /// - Parameter fields: what its responses say beside its type and its entity tag.
    func response(to request: RouteRequest, _ fields: [HeaderField]) -> Response {
        guard request.head.method == .GET || request.head.method == .HEAD else {
            return Response(.method(allowed: "GET, HEAD, OPTIONS"))
        }
        let fields = [HeaderField("ETag", etag)] + fields
        if request.head.headers[list: "If-None-Match"].contains(where: { $0 == etag || $0 == "*" }) {
            return Response(304, headers: fields)
        }
        return Response(200, headers: fields + [HeaderField("Content-Type", type)], body: body)
    }
}
