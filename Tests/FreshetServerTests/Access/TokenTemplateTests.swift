import FreshetServer
import StoreSuite
import StreamCore
import Testing
import TextCodecs

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
        for value in ["u42", "*", "u*", "a b", "a?b#c", "{sub}", "é", "auth0|42", "u+1@app.example"] {
            let grant = try #require(below.grant { $0 == "sub" ? value : nil })
            #expect(grant.rights == .read)
            #expect(grant.prefixes[0].covers("users/\(value)/x"))
            #expect(!grant.prefixes[0].covers("users/\(value)x/x") && !grant.prefixes[0].covers("users/x/x"))
            #expect(starred.grant { _ in value } == grant)
            let name = try #require(whole.grant { $0 == "sub" ? value : "t" }).prefixes[0]
            #expect(name.covers("t/\(value)") && !name.covers("t/\(value)x") && !name.covers("t/\(value)/x"))
        }
        for value in ["", ".", "..", "a\u{0}", "a\u{85}", "\u{FFFD}"] {
            #expect(below.grant { _ in value } == nil, "\(value)")
        }
        #expect(whole.grant { $0 == "sub" ? "u" : nil } == nil)
    }

    @Test(
        "what would divide the name is percent-encoded, and what encodes it too",
        arguments: [
            ("a/b", "a%2Fb"), ("a%2Fb", "a%252Fb"), ("a%252Fb", "a%25252Fb"), ("/", "%2F"), ("/../", "%2F..%2F"),
            ("../u42", "..%2Fu42"), ("%2E%2E", "%252E%252E"), ("100%", "100%25"), ("a/*", "a%2F*"),
        ]
    )
    func encoded(value: String, segment: String) throws {
        let below = try #require(try TokenTemplate(parsing: "read=users/{sub}/").grant { _ in value })
        #expect(below.prefixes == [.beginning(with: "users/\(segment)/")])
        let whole = try #require(try TokenTemplate(parsing: "read=users/{sub}").grant { _ in value })
        #expect(whole.prefixes == [.named("users/\(segment)")])
    }

    @Test("no value reaches what another one does, and each is reached by the URL of its own name")
    func apart() throws {
        let template = try TokenTemplate(parsing: "read=users/{sub}/")
        var random = SeededRandom(seed: 16)
        var values: Set<[UInt8]> = []
        let parts = [
            "a", "b", "/", "%", "2F", "25", "*", ".", "..", " ", "?", "#", "+", "&", "é", "e\u{301}", "{sub}", "~",
            "\\",
        ]
        while values.count < 400 {
            let count = Int.random(in: 1...5, using: &random)
            let value = (0..<count).compactMap { _ in parts.randomElement(using: &random) }.joined()
            if ![".", ".."].contains(value) { values.insert(Array(value.utf8)) }
        }
        var names: [(name: StreamName, prefix: StreamPrefix)] = []
        for value in values.map({ String(decoding: $0, as: UTF8.self) }) {
            let grant = try #require(template.grant { _ in value })
            let prefix = try #require(grant.prefixes.first)
            // As docs/access.md has it: the segment, and then the URL of the name that it is in.
            let segment = value.split(separator: "%", omittingEmptySubsequences: false).joined(separator: "%25")
                .split(separator: "/", omittingEmptySubsequences: false).joined(separator: "%2F")
            let url = "/v1/stream/users/\(PercentEncoding.encode(segment, keeping: .unreserved))/a"
            let suffix = try #require(RequestTarget(url).pathSuffix(after: "/v1/stream/"))
            let name = try StreamName(try #require(suffix))
            #expect(name.text.utf8.count { $0 == UInt8(ascii: "/") } == 2, "\(value)")
            names.append((name, prefix))
        }
        for (index, one) in names.enumerated() {
            #expect(names.indices.filter { one.prefix.covers(names[$0].name.text) } == [index], "\(one.name)")
        }
    }
}
