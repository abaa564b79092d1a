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
}
