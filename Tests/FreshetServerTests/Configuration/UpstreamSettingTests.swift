import Testing

@testable import FreshetServer

@Suite struct UpstreamSettingTests {
    @Test(arguments: [
        ("openai", "openai openai https://api.openai.com/v1 key=caller"),
        ("anthropic", "anthropic anthropic https://api.anthropic.com/v1 key=caller"),
        ("builtin", "builtin builtin"),
        ("mine builtin", "mine builtin"),
        ("claude anthropic key=env:KEY", "claude anthropic https://api.anthropic.com/v1 key=env:KEY"),
        ("https://api.anthropic.com", "api-anthropic-com anthropic https://api.anthropic.com/v1 key=caller"),
        ("http://[::1]:8000/", "---1- openai-compatible http://[::1]:8000/v1 key=caller"),
        (
            "a  http://h:1/x/v1//  key=none allow=/m/ allow=/n",
            "a openai-compatible http://h:1/x/v1 key=none allow=/m allow=/n"
        ),
    ])
    func aFewWordsSayEverything(text: String, meaning: String) throws {
        let upstream = try UpstreamSetting(parsing: text)
        #expect(upstream.description == meaning)
        // What is shown means the same.
        #expect(try UpstreamSetting(parsing: meaning) == upstream)
    }

    @Test(arguments: [
        "", "local", "a b", "a ftp://h", "a http://", "a http://h/v1?x", "a http://user@h/v1", "a key=env:", "a key=",
        "a http://h http://i", "openai key=none key=caller", "builtin key=none", "builtin http://h", "b_c http://h",
        "a http://h allow=m", "a http://h allow=/a/../b", "a http://h allow=/a//b", "a http://h allow=/a%2fb",
        "a http://h allow=/a;b", "a http://h allow=/a\\b", "a http://h allow=/a?b", "a http://h allow=/é",
        "a http://h allow=/a/..+/b", "a http://h allow=/.+.",
    ])
    func whatIsNotUnderstoodIsRefused(text: String) {
        #expect(throws: Refusal.self) { try UpstreamSetting(parsing: text) }
    }

    @Test func anOwnKeyIsNotForEverybody() throws {
        var upstreams = [
            "upstreams": WrittenValue.text("openai key=env:KEY"), "host": .text("0.0.0.0"), "open": .text("true"),
        ]
        #expect(throws: ConfigurationError.self) {
            try ServerConfiguration(flags: upstreams, environment: [:], file: nil)
        }
        upstreams["host"] = .text("127.0.0.1")
        _ = try ServerConfiguration(flags: upstreams, environment: [:], file: nil)
        upstreams["upstreams"] = .text("openai, openai key=none")
        #expect(throws: ConfigurationError.self) {
            try ServerConfiguration(flags: upstreams, environment: [:], file: nil)
        }
    }
}
