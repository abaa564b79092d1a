import FreshetServer
import StreamCore
import Testing

@Suite("Patterns and templates of tokens")
struct TokenTemplateTests {
    @Test("a pattern is a name and nothing else, unless it ends in / or *")
    func patterns() throws {
        let whole = try StreamPrefix(pattern: "answers/42")
        #expect(whole.covers("answers/42") && !whole.covers("answers/420") && !whole.covers("answers/42/x"))
        let below = try StreamPrefix(pattern: "answers/42/")
        #expect(below.covers("answers/42/x") && !below.covers("answers/42"))
        let starred = try StreamPrefix(pattern: "answers/4*")
        #expect(starred.covers("answers/42") && starred.covers("answers/4") && !starred.covers("answers/5"))
        #expect(try StreamPrefix(pattern: "*").covers("anything"))
        // Compared by bytes: these two look alike, and are two streams.
        #expect(try !StreamPrefix(pattern: "caf\u{E9}").covers("cafe\u{301}"))
        for wrong in ["", "/a", "a*b", "**"] { #expect(throws: Refusal.self) { try StreamPrefix(pattern: wrong) } }
        let caller = Caller(name: "a", grants: [Caller.Grant(.read, [whole, below])])
        #expect(caller.names(with: .read) == NameRanges(prefixes: ["answers/42/"], names: ["answers/42"]))
    }

    @Test(
        "a claim is a whole segment, and anything else is refused at the start",
        arguments: [
            "read=users/{sub}*", "read=users/{sub}x", "read=users/x{sub}/", "read=users/{sub}{team}/", "read={sub}*",
            "read=users/{}/", "read=users/{sub/", "read=users/sub}/", "read=", "users/{sub}/", "raed=users/{sub}/",
            "read=/users/{sub}/", "read={sub}-{team}",
        ]
    )
    func refused(_ text: String) {
        #expect(throws: Refusal.self) { try TokenTemplate(parsing: text) }
    }

    @Test("its value is taken as it is, and reaches nothing beyond its segment")
    func values() throws {
        let below = try TokenTemplate(parsing: "read = users/{sub}/")
        let whole = try TokenTemplate(parsing: "append={team}/{sub}")
        let starred = try TokenTemplate(parsing: "read=users/{sub}/*")
        for value in ["u42", "*", "u*", "a b", "%2F", "{sub}", "é", "auth0|42"] {
            let grant = try #require(below.grant { $0 == "sub" ? value : nil })
            #expect(grant.rights == .read)
            #expect(grant.prefixes[0].covers("users/\(value)/x"))
            #expect(!grant.prefixes[0].covers("users/\(value)x/x") && !grant.prefixes[0].covers("users/x/x"))
            #expect(starred.grant { _ in value } == grant)
            let name = try #require(whole.grant { $0 == "sub" ? value : "t" }).prefixes[0]
            #expect(name.covers("t/\(value)") && !name.covers("t/\(value)x") && !name.covers("t/\(value)/x"))
        }
        for value in ["", ".", "..", "a/b", "/", "a/../b", "a\u{0}", "\u{FFFD}"] {
            #expect(below.grant { _ in value } == nil, "\(value)")
        }
        #expect(whole.grant { $0 == "sub" ? "u" : nil } == nil)
    }
}
