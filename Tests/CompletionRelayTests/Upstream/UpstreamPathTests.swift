import Foundation
import StoreSuite
import Testing
import TextCodecs

@testable import CompletionRelay

@Suite("A path of an upstream")
struct UpstreamPathTests {
    @Test(
        "means the same however it is read",
        arguments: [
            "", "/", "/models", "/models/", "/chat/completions", "/files/f%20o", "/models/gpt-4.1", "/models/m:free",
            "/models/a@b,c=(d)'!$&*+~_", "/a/..b", "/a/b..", "/a/.b", "/models/caf%C3%A9", "/models/%E6%A8%A1",
            "/f/100%25",
            "/f/a%2520b", "/a/%2eb", "/a/b%2Ec", "/a/b+c", "/a/+b", "/a/b+", "/a/b%2B", "/a/..+b",
        ]
    )
    func plain(path: String) throws { _ = try UpstreamPath(path) }

    @Test(
        "is refused where somebody could read something else in it",
        arguments: [
            "models", "/../a", "/./a", "/a/..", "/a/.", "/a/...", "/a/%2e%2E/b", "/a/.%2e/b", "/a/%252e%252e/b",
            "/a/%25252e%25252e/b", "/a/%2525252525/b", "/a/..;/b", "/a;b", "/a/%3b", "/a/..%253b/b", "/a//b", "//a",
            "/a/%2fb",
            "/a/%2Fb", "/a/%252f/b", "/a\\b", "/a/%5c..", "/a/%255c..", "/a/%00", "/a/..%00/b", "/a/%0d%0a", "/a/%7f",
            "/a/..%20/b", "/a/.%20./b", "/a b", "/a?b", "/a#b", "/a/%3f", "/a/%23", "/a/%253F", "/a|b", "/a\"", "/a<b>",
            "/{a}",
            "/a^", "/a`", "/[a]", "/é", "/a/%", "/a/%2", "/a/%zz", "/a/%u002e%u002e/b", "/a/%25u002e/b",
            "/a/%c0%ae%c0%ae/b",
            "/a/%e0%80%ae/b", "/a/%ff", "/a/%C3%25A9", "/a/%ed%a0%80", "/a/%ef%bc%8e%ef%bc%8e/b", "/a/%e2%80%a5/b",
            "/a/%ef%bc%8fb", "/a/%e2%88%95b", "/a/%ef%bc%bcb", "/a/%e2%81%84b", "/a/%c2%a5", "/a/%ef%bc%85",
            "/a/%cd%be/b",
            "/a/%e2%92%88", "/a/%c2%85", "/a/%e2%80%8b", "/a/%ef%bb%bf", "/a/..+", "/a/.+./b", "/a/+..", "/a/+",
            "/a/..%2b/b",
            "/a/.%2B.", "/a/..%252b",
        ]
    )
    func ambiguous(path: String) {
        #expect(throws: UpstreamPath.Ambiguity.self) { try UpstreamPath(path) }
    }

    @Test("lies below another in every decoding, or not at all")
    func below() throws {
        for path in ["/models", "/models/", "/models/m", "/models/%2eb"] {
            #expect(try UpstreamPath(path).isBelow("/models"), "\(path)")
        }
        for path in ["/", "/model", "/modelsx", "/Models", "/mod%65ls", "/mod%2565ls", "/models%20", "/x/models"] {
            #expect(try !UpstreamPath(path).isBelow("/models"), "\(path)")
        }
        #expect(try UpstreamPath("/anything").isBelow(""))
    }

    @Test("names a format with and without one slash at its end")
    func finalSlash() {
        for format in WireFormat.completions {
            #expect(WireFormat(path: format.path + "/") == format)
            #expect(WireFormat(path: format.path + "//") == nil)
        }
        #expect(WireFormat(path: "/") == nil && WireFormat(path: "") == nil)
        // A sign that joins what follows is no part of the slash.
        #expect("/a\u{600}/".withoutFinalSlash == "/a\u{600}")
    }

    /// Pieces from which attackers make paths.
    private static let pieces = [
        "/", "/", "..", ".", "a", "models", "%", "25", "2e", "2f", "5c", "3b", ";", "u002e", "%2e", "%2f", "%c0%ae",
        "%252e",
        "\\", "%00", "%ef%bc%8e", "%e2%80%a5", " ", "%20", "c3", "%C3", "%A9", "+", "%25", "2",
    ]

    @Test("that is accepted stays where it is, whoever decodes, folds and resolves it")
    func stays() {
        var random = SeededRandom(seed: 11)
        var accepted = 0
        for _ in 0..<20_000 {
            let tail = (0..<Int.random(in: 1...8, using: &random)).map { _ in Self.pieces.randomElement(using: &random)!
            }
            let text = "/models/" + tail.joined()
            guard let path = try? UpstreamPath(text) else { continue }
            accepted += 1
            #expect(path.isBelow("/models"))
            for reading in readings(of: text) {
                if reading.first != "models" { Issue.record("\(text) is \(reading)") }
            }
        }
        #expect(accepted > 500)
    }

    /// The segments that readers of all kinds end up with.
    private func readings(of text: String) -> [[String]] {
        var found: [[String]] = []
        var decoded = Array(text.utf8)
        for _ in 0..<8 {
            // As UTF-8, as a form, as Latin-1, and folded to ASCII where there is a sign that looks like it.
            let utf8 = String(decoding: decoded, as: UTF8.self)
            let latin = String(String.UnicodeScalarView(decoded.map { Unicode.Scalar($0) }))
            let form = utf8.replacing("+", with: " ")
            for reading in [utf8, form, latin, utf8.precomposedStringWithCompatibilityMapping] {
                found.append(resolved(reading))
            }
            decoded = lenientlyDecoded(decoded)
        }
        return found
    }

    private func resolved(_ path: String) -> [String] {
        var segments: [String] = []
        let before = path.unicodeScalars.prefix { $0 != "?" && $0 != "#" && $0 != "\0" }
        for part in before.split(whereSeparator: { $0 == "/" || $0 == "\\" }) {
            var name = String(String.UnicodeScalarView(part.prefix { $0 != ";" }))
            while name.count > 2, name.last == " " || name.last == "." { name.removeLast() }
            if name == ".." || name == ". ." {
                _ = segments.popLast()
            } else if name != "." {
                segments.append(name)
            }
        }
        return segments
    }

    private func lenientlyDecoded(_ text: [UInt8]) -> [UInt8] {
        var output: [UInt8] = []
        var index = 0
        while index < text.count {
            let byte = PercentEncoding.byte(text, at: index)
            output.append(byte ?? text[index])
            index += byte == nil ? 1 : 3
        }
        return output
    }

    @Test("no letter that passes becomes a sign of paths when it is folded")
    func folding() {
        for value in UInt32(0x80)...0x10FFFF {
            guard let scalar = Unicode.Scalar(value), UpstreamPath.isLetter(scalar) else { continue }
            let folded = String(scalar).precomposedStringWithCompatibilityMapping
            if folded.utf8.contains(where: { "./\\;%?#".utf8.contains($0) || $0 < 0x20 }) {
                Issue.record("\(value) becomes \(folded)")
            }
        }
    }
}
