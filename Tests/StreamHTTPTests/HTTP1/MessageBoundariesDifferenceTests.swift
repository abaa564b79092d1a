import NIOCore
import NIOHTTP1
import StoreSuite
import Testing

@testable import StreamHTTP

/// The same rule said byte by byte, which is what `MessageBoundaries` was before it looked for the ends of lines.
private struct BytewiseBoundaries {
    private enum Place {
        case between, firstLine, lines
        case counted(Int)
    }

    private var place = Place.between
    private var word: [UInt8] = []
    private var isLineEmpty = true

    mutating func next(_ bytes: [UInt8]) -> MessageBoundaries.Piece {
        if case .counted(let left) = place {
            let count = min(left, bytes.count)
            place = count == left ? .lines : .counted(left - count)
            return .bytes(count)
        }
        for (index, byte) in bytes.enumerated() {
            switch (place, byte) {
            case (.between, UInt8(ascii: "\n")), (.between, UInt8(ascii: "\r")): continue
            case (.firstLine, UInt8(ascii: "\n")):
                if ["RTSP/", "ICE/"].contains(where: { word.starts(with: $0.utf8) }) { return .foreign }
                isLineEmpty = true
                place = .lines
            case (.between, UInt8(ascii: " ")), (.firstLine, UInt8(ascii: " ")):
                place = .firstLine
                word = []
            case (.between, _):
                place = .firstLine
                word = [byte]
            case (.firstLine, _): word.append(byte)
            case (.lines, UInt8(ascii: "\n")):
                if isLineEmpty { return .bytes(index + 1) }
                isLineEmpty = true
            case (.lines, UInt8(ascii: "\r")): continue
            case (.lines, _): isLineEmpty = false
            case (.counted, _): preconditionFailure("what is counted was taken above")
            }
        }
        return .bytes(bytes.count)
    }

    mutating func found(body length: Int?) {
        place = length.map { .counted($0) } ?? .lines
        isLineEmpty = true
    }

    mutating func ended() { place = .between }
}

@Suite("Where messages begin, found line by line and byte by byte")
struct MessageBoundariesDifferenceTests {
    @Test("any bytes are cut alike, wherever they are torn", arguments: 0..<300 as Range<UInt64>)
    func alike(seed: UInt64) throws {
        var random = SeededRandom(seed: seed)
        let pieces = [
            "\r\n", "\n", "\r", " ", "GET / HTTP/1.1", "RTSP/1.0", "ICE/1.0", "RTSP", "ICE", "/", "Host: a", "x",
            "\r\n\r\n", "\u{0}", "0\r\n\r\n", "POST /a b",
        ]
        var text: [UInt8] = []
        for _ in 0..<Int.random(in: 1...60, using: &random) {
            text += Array((pieces.randomElement(using: &random) ?? "").utf8)
        }
        var lines = MessageBoundaries()
        var bytes = BytewiseBoundaries()
        var rest = text[...]
        while !rest.isEmpty {
            let part = Array(rest.prefix(Int.random(in: 1...20, using: &random)))
            let piece = lines.next(ByteBuffer(bytes: part).readableBytesView)
            #expect(piece == bytes.next(part), "\(String(decoding: text, as: UTF8.self).debugDescription)")
            guard case .bytes(let count) = piece, count > 0 else { return }
            rest = rest.dropFirst(count)
            // What the parser may have found by now, told to both.
            switch Int.random(in: 0..<12, using: &random) {
            case 0:
                let length = Int.random(in: 0...30, using: &random)
                var headers: HTTPHeaders = ["Host": "a"]
                if length > 0 { headers.add(name: "Content-Length", value: "\(length)") }
                let head = HTTPRequestHead(version: .http1_1, method: .POST, uri: "/", headers: headers)
                lines.parsed(.head(head))
                bytes.found(body: length > 0 ? length : nil)
            case 1:
                lines.parsed(.end(nil))
                bytes.ended()
            default: break
            }
        }
    }
}
