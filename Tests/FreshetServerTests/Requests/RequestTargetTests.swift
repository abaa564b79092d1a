import Testing
import TextCodecs

@testable import FreshetServer

@Suite("The target of a request")
struct RequestTargetTests {
    @Test("path and query are taken apart before anything is decoded")
    func parts() {
        let target = RequestTarget("/v1/stream/a%3Fb%2Fc?offset=-1&as=sse&offset=now&flag&x=%26%3D+y")
        #expect(target.rawPath == "/v1/stream/a%3Fb%2Fc")
        #expect(target.pathSuffix(after: "/v1/stream/") == .some("a?b/c"))
        #expect(target.values("offset") == ["-1", "now"])
        #expect(target.values("flag") == [""])
        #expect(target.values("x") == ["&= y"])
        #expect(target.values("none").isEmpty)
        #expect(target.pathSuffix(after: "/v2/") == .none)
    }

    @Test("a plus is itself in a path")
    func plus() {
        #expect(RequestTarget("/v1/stream/a+b").pathSuffix(after: "/v1/stream/") == .some("a+b"))
    }

    @Test("a broken escape and what is no UTF-8 name nothing", arguments: ["%", "%2", "%zz", "%ff", "a%C3"])
    func broken(text: String) {
        #expect(RequestTarget("/v1/stream/\(text)").pathSuffix(after: "/v1/stream/") == .some(.none))
    }

    @Test(
        "a target with scheme and authority is the path behind them",
        arguments: [
            ("http://h:1/v1/a?b", "/v1/a"), ("HTTPS://h/v1/a", "/v1/a"), ("http://h", "/"), ("http://h?b", "/"),
            ("*", "*"), ("/http://h/a", "/http://h/a"),
        ]
    )
    func absolute(uri: String, path: String) {
        #expect(RequestTarget(uri).rawPath == path)
        if uri.contains("?b") { #expect(RequestTarget(uri).values("b") == [""]) }
    }

    @Test("a name that is encoded into a path comes back", arguments: ["a/b", "a b", "ä%/?#[]", "\u{1F389}+&=:@"])
    func roundTrip(name: String) {
        let path = PercentEncoding.encode(name, keeping: .path)
        #expect(path.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F && $0 != UInt8(ascii: "?") && $0 != UInt8(ascii: "#") })
        #expect(PercentEncoding.decode(path.utf8, plusIsSpace: false) == name)
    }
}
