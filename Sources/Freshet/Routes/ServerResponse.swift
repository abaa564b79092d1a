import Foundation
import NIOCore
import StreamHTTP

/// The response of one of a program's own routes: whole, or written while it is made.
///
/// Beside its own fields every response carries what every response of the server does: `Date`, `Vary`, `nosniff` and,
/// for allowed origins, those of CORS.
@available(freshet 0.1, *)
public struct ServerResponse: Sendable {
    /// Writes a body while it is made.
    public struct Writer: Sendable {
        let core: ResponseWriter

        /// Writes a part, and returns when the connection takes more.
        ///
        /// - Throws: an error when the peer has gone. The task is cancelled then too, without a write.
        public func write(_ bytes: [UInt8]) async throws { try await core.write(ByteBuffer(bytes: bytes)) }

        /// Writes text, as UTF-8.
        public func write(_ text: String) async throws { try await core.write(ByteBuffer(string: text)) }
    }

    enum Body: Sendable {
        case whole([UInt8])
        case stream(length: Int?, @Sendable (Writer) async throws -> Void)
    }

    /// The HTTP status, from 200 to 599.
    public var status: Int
    /// Header fields, in their order. `Content-Length`, `Transfer-Encoding`, `Connection` and `Date` are the server's.
    public var headers: [(name: String, value: String)]
    let body: Body

    /// A whole response.
    public init(status: Int = 200, headers: [(name: String, value: String)] = [], body: [UInt8] = []) {
        self.status = status
        self.headers = headers
        self.body = .whole(body)
    }

    private init(status: Int, headers: [(name: String, value: String)], body: Body) {
        self.status = status
        self.headers = headers
        self.body = body
    }

    /// Text, as `text/plain` unless something else is said.
    public static func text(
        _ text: String,
        status: Int = 200,
        contentType: String = "text/plain; charset=utf-8"
    ) -> ServerResponse {
        ServerResponse(status: status, headers: [("Content-Type", contentType)], body: Array(text.utf8))
    }

    /// A value as JSON, by Foundation's `JSONEncoder` with sorted keys.
    ///
    /// - Throws: Foundation's `EncodingError`.
    public static func json(_ value: some Encodable, status: Int = 200) throws -> ServerResponse {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        let body = Array(try encoder.encode(value))
        return ServerResponse(status: status, headers: [("Content-Type", "application/json")], body: body)
    }

    /// A body that is written while it is made, each part at once.
    ///
    /// When the closure returns the body is complete. When it throws the connection is cut, so that nobody takes half a
    /// body for a whole one. Its task is cancelled when the peer leaves, and at the deadline of a drain.
    ///
    /// What is written this way is seen by who is connected and by nobody else: who comes back begins anew, and runs
    /// it again. What must survive a reconnect is appended to a stream.
    ///
    /// - Parameters:
    ///   - status: the HTTP status, from 200 to 599.
    ///   - contentType: the media type of what is written.
    ///   - length: the number of bytes that will be written, where it is known.
    ///   - write: writes the body. Called once, when the head is out.
    public static func stream(
        status: Int = 200,
        contentType: String,
        length: Int? = nil,
        _ write: @escaping @Sendable (Writer) async throws -> Void
    ) -> ServerResponse {
        var headers = [(name: "Content-Type", value: contentType)]
        // What proxies and browsers must be told, so that a part is seen when it was written.
        if length == nil { headers += [("Cache-Control", "no-cache, no-transform"), ("X-Accel-Buffering", "no")] }
        return ServerResponse(status: status, headers: headers, body: .stream(length: length, write))
    }

    /// Sends whoever asked to another URL, which is asked for with GET.
    public static func redirect(to location: String) -> ServerResponse {
        ServerResponse(status: 303, headers: [("Location", location)])
    }

    func write(to writer: ResponseWriter) async throws {
        guard (200..<600).contains(status) else { throw UnwritableStatus(status: status) }
        let own = ["content-length", "transfer-encoding", "connection", "date"]
        let fields = headers.filter { !own.contains($0.name.lowercased()) }.map { HeaderField($0.name, $0.value) }
        switch body {
        case .whole(let bytes):
            // A field of a length belongs to neither of them (RFC 9110, section 8.6).
            let hasBody = status != 204 && status != 304
            try await writer.head(status, fields, length: hasBody ? bytes.count : 0)
            if hasBody { try await writer.write(ByteBuffer(bytes: bytes)) }
        case .stream(let length, let write):
            try await writer.head(status, fields, length: length)
            try await write(Writer(core: writer))
        }
    }
}

/// A handler's mistake, which becomes 500.
@available(freshet 0.1, *)
private struct UnwritableStatus: Error, CustomStringConvertible {
    var status: Int
    var description: String { "\(status) is no status of a response; it should be from 200 to 599" }
}
