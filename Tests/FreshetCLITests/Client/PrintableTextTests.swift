import Logging
import PrintableText
import Testing

@testable import FreshetCLI

@Suite struct PrintableTextTests {
    private static let commands: [UInt32] =
        Array(0...0x1F) + Array(0x7F...0x9F) + [0x61C, 0x200E, 0x200F] + Array(0x2028...0x202E) + Array(0x2066...0x2069)

    @Test func `What a terminal could take for a command is an escape, and nothing else is`() {
        for value in 0...0x3000 as ClosedRange<UInt32> {
            guard let scalar = Unicode.Scalar(value) else { continue }
            let shown = PrintableText.escaped("a\(scalar)b")
            let isCommand = Self.commands.contains(value)
            #expect(shown == (isCommand ? "a\\u{\(String(value, radix: 16, uppercase: true))}b" : "a\(scalar)b"))
        }
        #expect(
            PrintableText.escaped("é \u{1F468}\u{200D}\u{1F469} \u{627}\u{628}")
                == "é \u{1F468}\u{200D}\u{1F469} \u{627}\u{628}"
        )
        #expect(PrintableText.escaped("a\r\nb") == "a\\u{D}\\u{A}b")
    }

    @Test func `Lines stay lines where they may, and bytes that are no UTF-8 become a mark`() {
        #expect(PrintableText.escaped("a\tb\n\u{1B}[2J\r\n", keepsLines: true) == "a\tb\n\\u{1B}[2J\\u{D}\n")
        #expect(PrintableText.escaped([0x61, 0x9B, 0xC2, 0x9B, 0xFF]) == "a\u{FFFD}\\u{9B}\u{FFFD}")
    }

    @Test func `JSON means the same with them as its own escapes`() {
        let json = "{\"a\u{202E}\": \"\u{9B}\u{7F}\u{61C}é\u{2028}\\n\"}\n"
        let escaped = #"{"a\u202e": "\u009b\u007f\u061cé\u2028\n"}"# + "\n"
        #expect(PrintableText.escaped(json: Array(json.utf8)) == Array(escaped.utf8))
        #expect(PrintableText.escaped(json: Array("[\n \"€\"\n]".utf8)) == Array("[\n \"€\"\n]".utf8))
    }

    @Test func `What a server says was wrong is one line without commands`() {
        let problem = #"{"title":"No.","detail":"a\u009bb\u202ec"}"#
        #expect(ServerResponse.problem(status: 404, body: Array(problem.utf8)) == "No. a\\u{9B}b\\u{202E}c (404)")
        #expect(
            ServerResponse.problem(status: 502, body: Array("<html>\r\n  <b>\u{1B}]0;x".utf8))
                == "<html> <b>\\u{1B}]0;x (502)"
        )
    }
}
