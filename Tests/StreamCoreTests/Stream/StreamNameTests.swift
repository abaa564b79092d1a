import StreamCore
import Testing

@Suite("Names and types of streams")
struct StreamNameTests {
    @Test("a name is a path that no proxy or client would change")
    func names() throws {
        for text in ["a", "a/b", "a/...", ".a", "é", String(repeating: "x", count: 512)] {
            #expect(try StreamName(text).text == text)
        }
        let refused: [(String, StreamName.Invalid)] = [
            ("", .empty), ("/", .emptySegment), ("a/", .emptySegment), ("/a", .emptySegment), ("a//b", .emptySegment),
            (".", .dotSegment), ("a/../b", .dotSegment), ("a/.", .dotSegment), ("a\nb", .controlCharacter),
            ("a\u{0}", .controlCharacter), ("a\u{7F}", .controlCharacter),
            (String(repeating: "é", count: 257), .tooLong),
        ]
        for (text, reason) in refused { #expect(throws: reason) { try StreamName(text) } }
    }

    @Test("a combining mark hides no slash")
    func combiningMarks() throws {
        #expect(throws: StreamName.Invalid.dotSegment) { try StreamName("a/../\u{301}b") }
        #expect(throws: StreamName.Invalid.emptySegment) { try StreamName("a//\u{301}b") }
    }

    @Test("names are equal when their bytes are")
    func equality() throws {
        #expect(try StreamName("caf\u{E9}") != StreamName("cafe\u{301}"))
        #expect(try Set([StreamName("caf\u{E9}"), StreamName("cafe\u{301}"), StreamName("caf\u{E9}")]).count == 2)
    }

    @Test("a type is known by its essence, whatever its case and parameters")
    func types() {
        let kinds: [(String, ContentType.Kind)] = [
            ("text/event-stream", .eventStream), ("Text/Event-Stream; charset=utf-8", .eventStream),
            ("application/json", .json), ("application/x-ndjson", .ndjson), ("application/ndjson", .ndjson),
            (" text/plain ;a=b", .text), ("image/png", .binary), ("application/problem+json", .binary),
        ]
        for (text, kind) in kinds { #expect(ContentType(text)?.kind == kind) }
        #expect(ContentType("text/plain")!.matches(ContentType("TEXT/PLAIN; charset=x")!))
        for text in ["", "text", "text/", "/plain", "text/pl ain", "text/plain, text/html", "te\u{0}xt/plain", "a/b\n"]
        {
            #expect(ContentType(text) == nil)
        }
    }

    @Test("a type that is known at sight is the one that its parts give, and keeps its spelling")
    func knownTypes() {
        for text in [
            "text/event-stream", "application/json", "application/x-ndjson", "text/plain", "application/octet-stream",
        ] {
            let read = ContentType("\t" + text)
            #expect(ContentType(text) == read)
            #expect(read?.text == text)
            #expect(ContentType(text.uppercased())?.text == text.uppercased())
            #expect(ContentType(text.uppercased())?.essence == text)
        }
        #expect(ContentType("text/plaim")?.kind == .text)
        #expect(ContentType("Application/X; q=\u{E9}")?.text == "Application/X; q=\u{E9}")
    }

    @Test("both names of a type are tokens (RFC 9110, section 5.6.2), byte by byte")
    func tokens() {
        let tokens = Set("!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz".utf8)
        for byte in UInt8(0)...UInt8(0x7F) where byte != UInt8(ascii: ";") {
            let character = Character(Unicode.Scalar(byte))
            #expect((ContentType("a\(character)b/c") != nil) == tokens.contains(byte), "\(byte) in the type")
            #expect((ContentType("a/b\(character)c") != nil) == tokens.contains(byte), "\(byte) in the subtype")
        }
    }
}
