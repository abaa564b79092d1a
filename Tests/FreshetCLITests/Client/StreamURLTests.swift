import ArgumentParser
import NIOHTTP1
import Testing

@testable import FreshetCLI

@Suite struct StreamURLTests {
    @Test func `A name is a stream of the server that the environment names`() throws {
        #expect(try StreamURL("answer", environment: [:]).url == "http://127.0.0.1:4437/v1/stream/answer")
        let environment = ["FRESHET_URL": "https://host/"]
        #expect(try StreamURL("chat/ä b?", environment: environment).url == "https://host/v1/stream/chat/%C3%A4%20b%3F")
    }

    @Test func `A URL is taken as it is, and its description is beside it`() throws {
        let url = try StreamURL("http://h:1/v1/stream/a%20b/c?x=1", environment: [:])
        #expect(url.url == "http://h:1/v1/stream/a%20b/c?x=1")
        #expect(url.description == "http://h:1/v1/streams/a%20b/c")
        #expect(try StreamURL("http://h/other", environment: [:]).description == nil)
    }

    @Test(arguments: [
        "", "ftp://h/x", "http://", "a//b", "../x", "a\nb", "http://this is invalid/", "http://h:65536/v1/stream/x",
        "http://[::1]:99999999999999999999/v1/stream/x",
    ])
    func `What is neither is a usage error`(argument: String) {
        #expect(throws: ValidationError.self) { try StreamURL(argument, environment: [:]) }
    }

    @Test(arguments: ["localhost:4437", "http://127.0.0.1:65536"])
    func `A server that is not a URL is a usage error`(url: String) {
        #expect(throws: ValidationError.self) { try StreamURL("x", environment: ["FRESHET_URL": url]) }
    }

    @Test(arguments: [
        ("127.0.0.1:4437/v1/stream/x", "http://127.0.0.1:4437/v1/stream/x"),
        ("localhost:4437/x", "http://localhost:4437/x"), ("LocalHost/x", "http://LocalHost/x"),
        ("localhost:4437", "http://localhost:4437/v1/stream/name"), ("10.0.0.5/x", "http://10.0.0.5/x"),
        ("[::1]:4437/x", "http://[::1]:4437/x"), ("[fe80::1]", "http://[fe80::1]/v1/stream/name"),
        ("app.example:443/x", "http://app.example:443/x"),
        ("app.example/live/v1/stream/x", "http://app.example/live/v1"),
        ("freshet:4437/v1/stream/x", "http://freshet:4437/v1/stream/x"),
        ("//host/v1/stream/x", "http://host/v1/stream/x"), ("/v1/stream/x", "the whole URL"),
        ("v1/stream/x", "the whole URL"), ("v1/streams/x", "the whole URL"),
        ("http:/127.0.0.1:4437/v1/stream/x", "begins with http://"), ("HTTPS:host/x", "begins with https://"),
    ])
    func `What looks like an address is an error that says what to write`(argument: String, told: String) {
        #expect {
            try StreamURL(argument, environment: [:])
        } throws: {
            ($0 as? ValidationError)?.message.contains(told) == true
        }
        #expect(throws: (any Error).self) { _ = try List.parse([argument]) }
    }

    @Test(arguments: [
        "user:42", "user:42/chat", "a.b:c/x", "1.2.3", "v1.2.3.4", "build.log/1", "localhosts/x", "[draft]/x", "a:",
        "v1/x",
        "https", "x/[::1]", "1.2.3.4.5", "1234.5.6.7", "a..b:1",
    ])
    func `What only resembles an address is a name`(name: String) throws {
        #expect(try StreamURL(name, environment: [:]).url.hasPrefix("http://127.0.0.1:4437/v1/stream/"))
        #expect(throws: Never.self) { _ = try List.parse([name]) }
    }

    @Test func `A raw space or umlaut in a URL is told, with the URL to write`() {
        #expect {
            try StreamURL("http://h/v1/stream/a b", environment: [:])
        } throws: {
            ($0 as? ValidationError)?.message
                == "'http://h/v1/stream/a b' has a space, which a URL has percent-encoded; "
                + "write http://h/v1/stream/a%20b."
        }
        #expect {
            try StreamURL("x", environment: ["FRESHET_URL": "http://h\u{F6}st"])
        } throws: {
            ($0 as? ValidationError)?.message.hasPrefix("FRESHET_URL: the host of 'http://höst' has") == true
        }
    }

    @Test func `The key comes from the environment, without its line end, and must be one word`() throws {
        let options = try ClientOptions.parse([])
        #expect(try options.bearerKey(environment: [:]) == nil)
        #expect(try options.bearerKey(environment: ["FRESHET_KEY": "k1\n"]) == "k1")
        #expect(throws: ValidationError.self) { try options.bearerKey(environment: ["FRESHET_KEY": "two words"]) }
        let missing = try ClientOptions.parse(["--key", "/nonexistent/key"])
        #expect(throws: ValidationError.self) { try missing.bearerKey(environment: ["FRESHET_KEY": "k1"]) }
    }

    @Test func `A problem is one line that cannot drive the terminal`() {
        let body = Array(#"{"title":"Too\u001b[31m large","detail":"Send less."}"#.utf8)
        #expect(ServerResponse(status: 413, body: body).problem == "Too\\u{1B}[31m large: Send less. (413)")
        let sentences = Array(#"{"title":"No such stream.","detail":"Create it."}"#.utf8)
        #expect(ServerResponse(status: 404, body: sentences).problem == "No such stream. Create it. (404)")
        #expect(ServerResponse(status: 500).problem == "the server answered 500")
        #expect(ServerResponse(status: 502, body: Array("<html>\nbad".utf8)).problem == "<html> bad (502)")
    }
}
