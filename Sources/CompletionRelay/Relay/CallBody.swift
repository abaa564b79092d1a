import Locks
import NIOCore
package import StreamHTTP

/// The whole body of a call, until the upstream has taken it: an upstream may think for minutes, and of large bodies
/// there may be many. What tasks share is behind a mutex.
package final class CallBody: Sendable {
    private struct Held {
        var bytes: [UInt8] = []
        var claim: InflightClaim?
    }

    /// Bytes of one piece.
    static let pieceBytes = 64 << 10

    package let count: Int
    private let held: Mutex<Held>

    /// - Parameter claim: what it takes of the memory for what is in flight; nil where that is not counted.
    package init(_ bytes: [UInt8], claim: InflightClaim? = nil) {
        count = bytes.count
        held = Mutex(Held(bytes: bytes, claim: claim))
    }

    /// Nothing when it was let go of.
    var bytes: [UInt8] { held.withLock(\.bytes) }

    /// The bytes, for somebody who keeps them until the call is over: here they are not any more, but they are counted.
    func handOver() -> [UInt8] {
        held.withLock { held in
            defer { held.bytes = [] }
            return held.bytes
        }
    }

    /// Nobody needs it any more.
    func drop() {
        // What a claim frees is told outside the lock.
        _ = held.withLock { held in
            defer { held = Held() }
            return held
        }
    }

    /// The body piece by piece, once. Its bytes are let go of with the last.
    var pieces: Pieces { Pieces(body: self) }

    fileprivate func piece(from position: Int) -> ByteBuffer? {
        let (piece, isLast) = held.withLock { held in
            let part = held.bytes.dropFirst(position).prefix(Self.pieceBytes)
            return (ByteBuffer(bytes: part), position + part.count >= held.bytes.count)
        }
        if isLast { drop() }
        return piece.readableBytes > 0 ? piece : nil
    }

    struct Pieces: AsyncSequence, Sendable {
        typealias Element = ByteBuffer

        fileprivate let body: CallBody

        struct AsyncIterator: AsyncIteratorProtocol {
            fileprivate let body: CallBody
            private var position = 0

            fileprivate init(body: CallBody) {
                self.body = body
            }

            mutating func next() async throws -> ByteBuffer? {
                guard let piece = body.piece(from: position) else { return nil }
                position += piece.readableBytes
                return piece
            }
        }

        func makeAsyncIterator() -> AsyncIterator { AsyncIterator(body: body) }
    }
}
