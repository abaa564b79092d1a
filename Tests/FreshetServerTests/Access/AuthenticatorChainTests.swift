import StreamHTTP
import Testing

@testable import FreshetServer

@Suite("Who asks is found out in one place")
struct AuthenticatorChainTests {
    private struct Link: Authenticator {
        var result: Authentication

        func authenticate(_ request: RouteRequest, _ facts: RequestFacts, now: Int64) -> Authentication { result }
    }

    private func admission(_ name: String, expires: Int64? = nil) -> Admission {
        Admission(caller: Caller(name: name, grants: []), credential: .program, expires: expires)
    }

    private func verdict(_ links: Authentication...) async -> Result<Admission, Problem> {
        let head = RequestHead(method: .GET, uri: "/")
        let facts = ConnectionFacts(address: "a", refusal: nil, isDraining: false)
        let request = RouteRequest(head: head, target: RequestTarget("/"), facts: facts)
        let chain = AuthenticatorChain(links.map { Link(result: $0) })
        switch chain.authenticate(request, RequestFacts(head), now: 0) {
        case .now(let result): return result
        case .later(let work): return await work()
        }
    }

    @Test("the first that knows decides, whether at once or later")
    func order() async {
        #expect(await verdict(.undecided, .admitted(admission("b")), .refused(.noKey())) == .success(admission("b")))
        #expect(await verdict(.refused(.wrongKey()), .admitted(admission("b"))) == .failure(.wrongKey()))
        #expect(await verdict(.later { .admitted(admission("a")) }, .refused(.noKey())) == .success(admission("a")))
        #expect(await verdict(.later { .undecided }, .admitted(admission("b"))) == .success(admission("b")))
        #expect(
            await verdict(.later { .later { .undecided } }, .later { .refused(.wrongKey()) }) == .failure(.wrongKey())
        )
    }

    @Test("nobody is let in whom no one knows")
    func nobody() async {
        #expect(await verdict() == .failure(.noKey()))
        #expect(await verdict(.undecided, .later { .undecided }) == .failure(.noKey()))
    }

    @Test("a cookie tells until when it holds, a key does not end")
    func expiry() throws {
        let ring = try KeyRing(parsing: "one abcdefghijklmnop read *", file: "keys")
        let policy = AccessPolicy(boundToLoopback: false, hosts: [], allowedOrigins: [], keys: ring, open: false)
        let cookie = try #require(NarrowedSession.cookie(for: "abcdefghijklmnop", of: ring, expires: 150))
        let byCookie = RequestFacts(method: "GET", cookie: cookie)
        #expect(try policy.identify(byCookie, now: 149).get().expires == 150)
        #expect(throws: Problem.self) { try policy.identify(byCookie, now: 150).get() }
        let byKey = RequestFacts(method: "GET", authorization: "Bearer abcdefghijklmnop")
        #expect(try policy.identify(byKey, now: 149).get().expires == nil)
    }
}
