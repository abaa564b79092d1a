import NIOCore
import Testing

@testable import CompletionRelay

@Suite("What a body is by its first bytes")
struct BodyOpeningTests {
    @Test(
        "a stream of events begins with a comment or a field",
        arguments: [
            "data:", "data: x", ": hello", ":", "event: x", "id:1", "retry: 1", "\n\ndata: x", "\r\n\r\n: x",
            "\u{FEFF}data: x", "\u{FEFF}\n\ndata: x",
        ]
    )
    func events(text: String) {
        let bytes = Array(text.utf8)
        #expect(BodyOpening(bytes) == .events)
        // Until then it is not known, however it is cut.
        for count in 0..<bytes.count where BodyOpening(Array(bytes.prefix(count))) != .events {
            #expect(BodyOpening(Array(bytes.prefix(count))) == .unknown)
        }
    }

    @Test(
        "anything else is something else, at once",
        arguments: [
            "{", " data: x", "date", "data x", "data\n", "events", "<", "\n{", "\u{FEFF}{", "\u{FEFF} ", "\u{EE}x",
        ]
    )
    func other(text: String) {
        #expect(BodyOpening(Array(text.utf8)) == .other)
    }

    @Test("blank lines are not waited behind for ever")
    func bounded() {
        #expect(BodyOpening([UInt8](repeating: 0x0A, count: 4095)) == .unknown)
        #expect(BodyOpening([UInt8](repeating: 0x0A, count: 4096)) == .other)
        #expect(BodyOpening(Array("\n\n\ndat".utf8) + [UInt8](repeating: 0x61, count: 1)) == .unknown)
    }

    @Test("what was held is given on, and what comes in between is not taken")
    func held() async throws {
        let pipe = BodyPipe()
        for piece in ["\n", "da", "ta: x\n\n", "rest"] { _ = await pipe.put(ByteBuffer(string: piece)) }
        pipe.finish(.success(()))
        let (opening, held) = try await BodyOpening.look(at: pipe, clock: ContinuousClock())
        #expect(opening == .events)
        var text = held.map { String(buffer: $0) }.joined()
        while let piece = try await pipe.next() { text += String(buffer: piece) }
        #expect(text == "\ndata: x\n\nrest")
    }

    @Test("what takes too long is something else")
    func slow() async throws {
        let pipe = BodyPipe()
        _ = await pipe.put(ByteBuffer(string: "\n"))
        let (opening, held) = try await BodyOpening.look(at: pipe, clock: ImmediateClock())
        #expect(opening == .other)
        #expect(held.map { String(buffer: $0) } == ["\n"])
    }
}
