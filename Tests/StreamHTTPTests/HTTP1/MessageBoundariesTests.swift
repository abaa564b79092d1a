import NIOCore
import NIOEmbedded
import NIOHTTP1
import Testing

@testable import StreamHTTP

@Suite("Where messages begin")
struct MessageBoundariesTests {
    private static let get = "GET / HTTP/1.1\r\nHost: a\r\n\r\n"
    private static let counted =
        "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 28\r\n\r\nGET / RTSP/1.0\r\n\r\nGET / ICE/"
    private static let chunked =
        "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n14\r\n\r\n\r\nGET / RTSP/1.0\r\n\r\n0\r\nX: y\r\n\r\n"
    private static let foreign = "GET / RTSP/1.0\r\nHost: a\r\n\r\n"

    /// What the decoder made of some bytes that came in pieces of a size, and whether another protocol was found.
    private func decode(_ text: String, by size: Int) throws -> (heads: Int, ends: Int, isForeign: Bool) {
        let channel = EmbeddedChannel()
        try channel.pipeline.syncOperations.addHandler(ByteToMessageHandler(HTTPRequestDecoder()))
        var boundaries = MessageBoundaries()
        var found = (heads: 0, ends: 0, isForeign: false)
        let bytes = Array(text.utf8)
        for start in stride(from: 0, to: bytes.count, by: size) {
            var buffer = ByteBuffer(bytes: bytes[start..<min(start + size, bytes.count)])
            while buffer.readableBytes > 0 {
                guard case .bytes(let count) = boundaries.next(buffer.readableBytesView) else {
                    found.isForeign = true
                    return found
                }
                #expect(count > 0)
                let piece = buffer.readSlice(length: count)
                try channel.writeInbound(try #require(piece))
                while let part = try channel.readInbound(as: HTTPServerRequestPart.self) {
                    boundaries.parsed(part)
                    if case .head = part { found.heads += 1 }
                    if case .end = part { found.ends += 1 }
                }
            }
        }
        _ = try? channel.finish()
        return found
    }

    @Test("bodies that look like another protocol are none of its requests, over any chunking")
    func ours() throws {
        let text = "\r\n" + Self.get + Self.counted + "\r\n\r\n" + Self.get + Self.chunked + Self.counted + Self.get
        for size in Array(1...70) + [text.utf8.count] {
            let found = try decode(text, by: size)
            #expect(found.heads == 6 && found.ends == 6 && !found.isForeign, "\(size)")
        }
    }

    @Test(
        "a request of another protocol is found where it begins, behind whatever came before, over any chunking",
        arguments: [
            "", "\r\n\n", MessageBoundariesTests.get, MessageBoundariesTests.counted, MessageBoundariesTests.chunked,
        ]
    )
    func others(before: String) throws {
        let count = before.utf8.count > 4 ? 1 : 0
        for request in [Self.foreign, "OPTIONS * RTSP/1.0\n\n", "SOURCE /a ICE/1.0\r\n\r\n", "GET /  RTSP/1.1\r\n"] {
            let text = before + request
            for size in Array(1...50) + [text.utf8.count] {
                let found = try decode(text, by: size)
                #expect(found.isForeign, "\(size)")
                #expect(found.heads == count && found.ends == count, "\(size)")
            }
        }
    }
}
