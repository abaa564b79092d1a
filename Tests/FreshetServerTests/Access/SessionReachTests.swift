import StreamHTTP
import Testing

@testable import FreshetServer

@Suite("From whose pages a browser sends a session")
struct SessionReachTests {
    @Test(
        "a page of another site needs https, one of the same does not",
        arguments: [
            (nil, nil, "same-site"), ("https://app.example", "same-origin", "same-site"),
            ("https://www.app.example", "same-site", "same-site"), ("https://other.example", nil, "partitioned"),
            ("https://other.example", "cross-site", "partitioned"),
            ("https://app.example:8443", nil, "same-site"),
        ] as [(String?, String?, String)]
    )
    func reach(origin: String?, site: String?, says: String) {
        let facts = RequestFacts(method: "POST", host: "app.example", origin: origin, secFetchSite: site)
        #expect(SessionReach(facts, isSecure: true).rawValue == says)
        let inClearText = says == "partitioned" ? "unusable" : says
        #expect(SessionReach(facts, isSecure: false).rawValue == inClearText)
    }

    @Test("only a cookie for another site is sent from there, and apart for each")
    func attributes() {
        let own = SessionCookie.field("v", lifetime: 60, secure: true)
        #expect(own == "freshet_session=v; Path=/; Max-Age=60; HttpOnly; SameSite=Strict; Secure")
        let other = SessionCookie.field("v", lifetime: 60, secure: true, reach: .partitioned)
        #expect(other == "freshet_session=v; Path=/; Max-Age=60; HttpOnly; SameSite=None; Secure; Partitioned")
        let useless = SessionCookie.field("v", lifetime: 60, secure: false, reach: .unusable)
        #expect(useless == "freshet_session=v; Path=/; Max-Age=60; HttpOnly; SameSite=Strict")
    }

    @Test("what comes from another site and does not say from which page has no use for a cookie")
    func withoutOrigin() throws {
        let ring = try KeyRing(parsing: "web correct-horse-battery read *", file: "keys")
        let policy = AccessPolicy(boundToLoopback: false, hosts: [], allowedOrigins: [], keys: ring, open: false)
        let cookie = try #require(NarrowedSession.cookie(for: "correct-horse-battery", of: ring, expires: 60))
        var facts = RequestFacts(method: "GET", secFetchSite: "cross-site", cookie: cookie)
        do throws(Problem) {
            _ = try policy.identify(facts, now: 1).get()
            Issue.record("it was let in")
        } catch {
            #expect(error.code == "no-key" && error.detail.contains("Freshet-Session"))
        }
        facts.origin = "https://app.example"
        #expect(try policy.identify(facts, now: 1).get().credential == .cookie)
        facts.origin = nil
        facts.secFetchSite = "same-origin"
        #expect(try policy.identify(facts, now: 1).get().credential == .cookie)
    }
}
