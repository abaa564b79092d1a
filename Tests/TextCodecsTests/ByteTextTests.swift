import Foundation
import Testing
import TextCodecs

@Suite("Bytes as text")
struct ByteTextTests {
    private let samples = (0..<70).map { count in (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 37 &+ count) } }

    @Test("base64 is what Foundation writes, and in a URL without padding and in its own alphabet")
    func base64() {
        for bytes in samples {
            let text = Data(bytes).base64EncodedString()
            #expect(String(decoding: Base64.encode(bytes), as: UTF8.self) == text)
            let url = text.replacing("+", with: "-").replacing("/", with: "_").replacing("=", with: "")
            #expect(Base64.urlText(bytes) == url)
        }
        #expect(Base64.encode([0xFB, 0xFF, 0xFE]) == Array("+//+".utf8))
        #expect(Base64.urlText([0xFB, 0xFF, 0xFE]) == "-__-")
    }

    @Test("base64 is decoded, on one line or several, and what is none is refused")
    func base64Decoded() {
        for bytes in samples {
            let text = Base64.encode(bytes)
            #expect(Base64.decode(text) == bytes)
            #expect(Base64.decode(text.filter { $0 != UInt8(ascii: "=") }) == bytes)
            #expect(Base64.decode(Array(text.map { [$0] }.joined(separator: Array("\r\n".utf8)))) == bytes)
        }
        for text in [
            "Z", "Zg=", "Zg===", "Z===", "====", "Zg==Zg==", "Zh==", "Zm9=", "Z g=", "Zm9v-", "Zm9v_", "Zm9v\u{E9}",
        ] {
            #expect(Base64.decode(Array(text.utf8)) == nil, "\(text)")
        }
    }

    @Test(
        "base64 with its padding (RFC 4648, section 10)",
        arguments: [
            ("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foob", "Zm9vYg=="), ("fooba", "Zm9vYmE="),
            ("foobar", "Zm9vYmFy"),
        ]
    )
    func base64(plain: String, encoded: String) {
        #expect(String(decoding: Base64.encode(Array(plain.utf8)), as: UTF8.self) == encoded)
    }

    @Test("hexadecimal has two digits for each byte, and each digit has its value")
    func hexadecimal() {
        #expect(Hexadecimal.text([0x00, 0x0F, 0xA0, 0xFF]) == "000fa0ff")
        for value in UInt8(0)..<16 { #expect(Hexadecimal.value(Hexadecimal.digit(value)) == value) }
        #expect(Hexadecimal.value(UInt8(ascii: "F")) == 15)
        for byte in "/:@G`g ".utf8 { #expect(Hexadecimal.value(byte) == nil) }
    }

    @Test(
        "bytes that are UTF-8 are their text, whatever it begins with or holds",
        arguments: [
            "", "text", "\0", "\u{FEFF}mark", "\u{FFFD}",
            "\u{7F}\u{80}\u{7FF}\u{800}\u{D7FF}\u{E000}\u{FFFF}\u{10000}\u{10FFFF}",
        ]
    )
    func utf8(text: String) throws {
        for count in [1, 100] {
            let bytes = Array(repeating: Array(text.utf8), count: count).flatMap(\.self)
            let decoded = try #require(String(utf8: bytes))
            #expect(Array(decoded.utf8) == bytes)
        }
    }

    @Test(
        "bytes that are not UTF-8 are no text: cut, too long, of a surrogate, beyond Unicode, or of no character",
        arguments: [
            // The first is repaired to a text of as many bytes.
            [0xF0, 0x9F, 0x98], [0xE2, 0x82], [0xC3], [0x80], [0xC0, 0x80], [0xC1, 0xBF], [0xE0, 0x9F, 0xBF],
            [0xED, 0xA0, 0x80], [0xED, 0xBF, 0xBF], [0xF0, 0x8F, 0xBF, 0xBF], [0xF4, 0x90, 0x80, 0x80],
            [0xF5, 0x80, 0x80, 0x80], [0xFE], [0xFF], [0xC3, 0xA4, 0xA4],
        ] as [[UInt8]]
    )
    func notUTF8(bytes: [UInt8]) {
        for bytes in [
            bytes, Array("before".utf8) + bytes, bytes + Array("after".utf8),
            bytes + Array(repeating: 0x61, count: 100),
        ] {
            #expect(String(utf8: bytes) == nil, "\(bytes)")
        }
    }

    @Test("a token is 32 digits, and no two are the same")
    func tokens() {
        let tokens = (0..<100).map { _ in RandomToken.text() }
        #expect(Set(tokens).count == 100)
        #expect(tokens.allSatisfy { $0.utf8.count == 32 && $0.utf8.allSatisfy { Hexadecimal.value($0) != nil } })
    }
}
