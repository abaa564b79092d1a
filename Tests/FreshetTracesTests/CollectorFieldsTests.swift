import Testing

@testable import FreshetTraces

@Suite("The header fields for a collector")
struct CollectorFieldsTests {
    private func read(_ text: String) throws -> [String] {
        try CollectorFields(parsing: Array(text.utf8), file: "fields").fields.map { "\($0.name)=\($0.value)" }
    }

    @Test("are a line each; blank lines and comments do not count")
    func lines() throws {
        let text = "# a key\r\n\nAuthorization: Bearer a:b c\r\n  x-team :\tstreams  \n"
        #expect(try read(text) == ["Authorization=Bearer a:b c", "x-team=streams"])
        #expect(try read("").isEmpty)
    }

    @Test(
        "what cannot be sent is told by its line, and what is in it is not",
        arguments: [
            ("a: 1\nsecret", "line 2 has no colon"), ("sec ret: 1", "line 1: what precedes"),
            (": secret", "line 1: what precedes"),
            ("a:  ", "line 1: the value"), ("a: sécret", "line 1: the value"),
            ("Content-Type: text/secret", "line 1: Content-Type is the server's"),
        ]
    )
    func refused(text: String, reason: String) {
        do {
            _ = try CollectorFields(parsing: Array(text.utf8), file: "fields")
            Issue.record("it was taken: \(text)")
        } catch {
            #expect(error.description.hasPrefix("fields: \(reason)"))
            #expect(!error.description.contains("secret"))
        }
    }
}
