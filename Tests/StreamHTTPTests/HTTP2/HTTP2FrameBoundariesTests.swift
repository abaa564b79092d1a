import NIOCore
import Testing

@testable import StreamHTTP

@Suite("Since when a frame or a head is not complete")
struct HTTP2FrameBoundariesTests {
    private static let preface = Array("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".utf8)
    private static let beginning = preface + frame(4, 0, 0)

    private static func frame(_ kind: UInt8, _ flags: UInt8, _ size: Int) -> [UInt8] {
        [0, UInt8(size >> 8), UInt8(size & 0xFF), kind, flags, 0, 0, 0, 1] + [UInt8](repeating: 0, count: size)
    }

    private static let start = NIODeadline.uptimeNanoseconds(1_000)

    /// Since when something is unfinished after some bytes of which each piece comes a nanosecond after the last; the
    /// index of that piece.
    private func unfinished(after bytes: [UInt8], by size: Int) -> Int? {
        var boundaries = HTTP2FrameBoundaries(now: Self.start)
        var now = Self.start
        for index in stride(from: 0, to: bytes.count, by: size) {
            let piece = ByteBuffer(bytes: bytes[index..<min(index + size, bytes.count)])
            boundaries.received(piece.readableBytesView, now: now)
            now = now + .nanoseconds(1)
        }
        return boundaries.unfinishedSince.map { Int(($0 - Self.start).nanoseconds) }
    }

    @Test("what is complete has no clock, over any chunking")
    func complete() {
        let head = Self.frame(1, 4, 300)
        let continued = Self.frame(1, 1, 30) + Self.frame(9, 0, 7) + Self.frame(9, 4, 7)
        let body = Self.frame(0, 0, 0) + Self.frame(0, 1, 300)
        for frames in [[], head, continued, head + body, Self.frame(6, 0, 8) + head] {
            let bytes = Self.beginning + frames
            for size in Array(1...60) + [bytes.count] { #expect(unfinished(after: bytes, by: size) == nil, "\(size)") }
        }
    }

    @Test("what is not has the time of its first byte, a head that of its first frame's")
    func incomplete() {
        let body = Self.frame(1, 4, 9) + Self.frame(0, 0, 9)
        let begun: [(before: [UInt8], bytes: [UInt8])] = [
            ([], Self.preface), ([], Array(Self.preface.dropLast(3))), ([], Array(Self.beginning.dropLast())),
            (Self.beginning, [0]), (Self.beginning, Array(Self.frame(1, 5, 30).dropLast())),
            (Self.beginning, Self.frame(1, 1, 30)), (Self.beginning, Array(Self.frame(4, 0, 30).dropLast())),
            (Self.beginning, Self.frame(1, 0, 30) + Self.frame(9, 0, 30)),
            (Self.beginning, Self.frame(1, 0, 0) + Self.frame(9, 0, 30) + [0, 0]),
            (Self.beginning + body, Array(Self.frame(0, 0, 9).prefix(8))),
        ]
        for (before, bytes) in begun {
            for size in 1...60 {
                #expect(unfinished(after: before + bytes, by: size) == before.count / size, "\(size)")
            }
        }
    }

    @Test("a body may be as slow as its request lets it")
    func data() {
        let bytes = Self.beginning + Self.frame(1, 4, 30) + Array(Self.frame(0, 0, 100).dropLast(50))
        for size in 1...60 { #expect(unfinished(after: bytes, by: size) == nil, "\(size)") }
    }
}
