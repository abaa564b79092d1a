import StreamHTTP
import Testing

@testable import FreshetServer

@Suite struct AccessPolicyTests {
    static let key = "correct-horse-battery"
    static let now: Int64 = 1_700_000_000
    static let page = "https://app.example"

    static func policy(loopback: Bool = true, hosts: [String] = [], keys: Bool = false, open: Bool = false)
        -> AccessPolicy
    {
        AccessPolicy(
            boundToLoopback: loopback,
            hosts: hosts,
            allowedOrigins: [page, "http://dev.example:3000"],
            keys: keys ? ring : nil,
            open: open
        )
    }

    static let ring: KeyRing = {
        do {
            return try KeyRing(parsing: "web \(key) read,append chat/\nweb \(key) read logs/", file: "keys")
        } catch {
            fatalError("\(error)")
        }
    }()

    static let cookie = NarrowedSession.cookie(for: key, of: ring, [.read, .append], expires: now + 60) ?? ""

    private func status(_ policy: AccessPolicy, _ facts: RequestFacts, now: Int64 = now) -> Int? {
        switch policy.admit(facts, now: now) {
        case .success: nil
        case .failure(let problem): problem.status
        }
    }

    // MARK: Again

    private func renewed(_ facts: RequestFacts, by keys: String) throws -> Admission? {
        let admission = try Self.policy(keys: true).identify(facts, now: Self.now).get()
        return AccessPolicy(
            boundToLoopback: true,
            hosts: [],
            allowedOrigins: [],
            keys: try KeyRing(parsing: keys, file: "keys"),
            open: false
        ).renewed(admission)
    }

    @Test func aKeyIsWorthWhatItsLineSaysNow() throws {
        let facts = RequestFacts(method: "GET", host: "localhost", authorization: "Bearer \(Self.key)")
        let admission = try #require(try renewed(facts, by: "other \(Self.key) read logs/"))
        #expect(admission.caller.name == "other")
        #expect(admission.caller.may(.read, "logs/1") && !admission.caller.may(.read, "chat/1"))
        #expect(try renewed(facts, by: "web another-key-of-them-all read chat/") == nil)
    }

    @Test func aCookieIsWorthSomethingWhileItsKeyHasItsName() throws {
        let facts = RequestFacts(method: "GET", host: "localhost", cookie: Self.cookie)
        let admission = try #require(try renewed(facts, by: "web \(Self.key) read logs/"))
        #expect(admission.expires == Self.now + 60 && admission.caller.may(.read, "logs/1"))
        #expect(try renewed(facts, by: "other \(Self.key) read logs/") == nil)
        #expect(try renewed(facts, by: "web another-key-of-them-all read chat/") == nil)
    }

    // MARK: Host

    @Test(arguments: [
        "localhost", "localhost:4437", "LocalHost:1", "localhost.", "localhost.:80", "127.0.0.1", "127.0.0.1:4437",
        "[::1]",
        "[::1]:4437", "[0:0:0:0:0:0:0:1]", "proxy.example", "PROXY.example:99", "localhost:",
    ])
    func onLoopbackItsOwnNamesAreAnswered(host: String) {
        #expect(status(Self.policy(hosts: ["proxy.example"]), RequestFacts(method: "GET", host: host)) == nil)
    }

    @Test(arguments: [
        "evil.example", "evil.example:4437", "localhost.evil.example", "127.0.0.1.evil.example", "127.0.0.2", "127.1",
        "2130706433", "0.0.0.0", "[::]", "[::ffff:127.0.0.1]", "::1", "", ":4437", "localhost:99999", "localhost:x",
        "localhost@evil.example", "localhost/", "localhost, evil.example", "localhost evil", "[::1%lo]", "localhost..",
        "xlocalhost", "\u{17F}localhost", "localho\u{17F}t",
    ])
    func onLoopbackAnyOtherHostIsRefusedWhateverTheMethod(host: String) {
        for method in ["GET", "HEAD", "OPTIONS", "POST", "PUT", "DELETE"] {
            #expect(status(Self.policy(), RequestFacts(method: method, host: host)) == 403)
        }
    }

    @Test func beyondLoopbackEveryHostIsAnswered() {
        #expect(
            status(Self.policy(loopback: false, open: true), RequestFacts(method: "GET", host: "any.example")) == nil
        )
    }

    @Test func aRequestOfHTTP10WithoutAHostComesFromNoPage() {
        #expect(status(Self.policy(), RequestFacts(method: "POST")) == nil)
        #expect(status(Self.policy(), RequestFacts(method: "POST", origin: "http://localhost")) == 403)
    }

    // MARK: Origin

    @Test(arguments: [
        nil, "http://localhost:4437", "https://LOCALHOST:4437", "https://app.example", "HTTPS://APP.EXAMPLE:443",
        "http://dev.example:3000",
    ])
    func programsOwnPagesAndAllowedPagesChangeStreams(origin: String?) {
        for method in ["POST", "PUT", "DELETE"] {
            let facts = RequestFacts(
                method: method,
                host: "localhost:4437",
                origin: origin,
                secFetchSite: "same-origin"
            )
            #expect(status(Self.policy(), facts) == nil)
        }
    }

    @Test(arguments: [
        "null", "", "https://evil.example", "http://localhost:4438", "http://localhost", "http://127.0.0.1:4437",
        "http://app.example", "https://app.example:8443", "https://app.example.evil",
        "https://evil.example/app.example",
        "https://app.example, https://evil.example", "file://", "http://localhost:4437/",
    ])
    func anyOtherPageChangesNothing(origin: String) {
        for method in ["POST", "PUT", "DELETE", "PATCH", "PROPFIND", "post", "get"] {
            for site in [nil, "same-origin", "cross-site", "none"] {
                let facts = RequestFacts(
                    method: method,
                    host: "localhost:4437",
                    origin: origin,
                    secFetchSite: site,
                    authorization: "Bearer \(Self.key)"
                )
                #expect(status(Self.policy(), facts) == 403)
                #expect(status(Self.policy(loopback: false, keys: true), facts) == 403)
            }
        }
    }

    @Test func aPageThatHidesItsOriginChangesNothing() {
        for site in ["cross-site", "Cross-Site"] {
            let facts = RequestFacts(method: "POST", host: "localhost", secFetchSite: site)
            #expect(status(Self.policy(), facts) == 403)
        }
        for site in ["same-origin", "same-site", "none"] {
            #expect(status(Self.policy(), RequestFacts(method: "POST", host: "localhost", secFetchSite: site)) == nil)
        }
    }

    @Test func readingIsLeftToCORS() {
        for method in ["GET", "HEAD", "OPTIONS"] {
            let facts = RequestFacts(
                method: method,
                host: "localhost",
                origin: "https://evil.example",
                secFetchSite: "cross-site"
            )
            #expect(status(Self.policy(), facts) == nil)
        }
    }

    @Test func theHostIsLookedAtFirstThenTheOriginThenTheKey() {
        let policy = Self.policy(keys: true)
        func code(_ host: String, _ origin: String?) -> String? {
            guard
                case .failure(let problem) = policy.admit(
                    RequestFacts(method: "POST", host: host, origin: origin),
                    now: Self.now
                )
            else { return nil }
            return problem.code
        }
        #expect(code("evil", "https://evil") == "foreign-host")
        #expect(code("localhost", "https://evil") == "foreign-origin")
        #expect(code("localhost", nil) == "no-key")
    }

    // MARK: Caller

    @Test func withoutKeysEverybodyOnLoopbackOrWhenOpenMayDoEverything() throws {
        for policy in [Self.policy(), Self.policy(loopback: false, open: true)] {
            let admission = try policy.admit(RequestFacts(method: "PUT", host: "localhost"), now: Self.now).get()
            #expect(admission.credential == .none)
            #expect(policy.authorise(admission, .all, stream: "any") == nil)
        }
    }

    @Test func withoutKeysBeyondLoopbackNobodyIsLetInUnlessOpen() {
        #expect(status(Self.policy(loopback: false), RequestFacts(method: "GET")) == 401)
    }

    @Test func aKeyLetsInAndGivesWhatItGives() throws {
        let policy = Self.policy(keys: true)
        let facts = RequestFacts(method: "POST", host: "localhost", authorization: "Bearer \(Self.key)")
        let admission = try policy.admit(facts, now: Self.now).get()
        #expect(admission.credential == .bearer)
        #expect(policy.authorise(admission, [.append], stream: "chat/1") == nil)
        #expect(policy.authorise(admission, [.read], stream: "logs/1") == nil)
        let problem = try #require(policy.authorise(admission, [.append, .end], stream: "logs/1"))
        #expect(problem.status == 403)
        #expect(problem.detail.contains("\"web\" lacks append and end on the stream \"logs/1\""))
        #expect(problem.detail.contains("chat/"))
        #expect(!problem.detail.contains(Self.key))
    }

    @Test(arguments: ["Bearer wrong-key-altogether", "Bearer", "Basic d2ViOng=", "", "Bearer a b"])
    func aWrongKeyIsToldSoEvenBesideAGoodCookie(authorization: String) throws {
        let facts = RequestFacts(method: "GET", host: "localhost", authorization: authorization, cookie: Self.cookie)
        guard case .failure(let problem) = Self.policy(keys: true).admit(facts, now: Self.now) else {
            Issue.record("was let in")
            return
        }
        #expect(problem.status == 401)
        #expect(
            problem.headers == [HeaderField("WWW-Authenticate", "Bearer realm=\"freshet\", error=\"invalid_token\"")]
        )
    }

    @Test func noKeyIsAskedFor() {
        guard case .failure(let problem) = Self.policy(keys: true).admit(RequestFacts(method: "GET"), now: Self.now)
        else {
            Issue.record("was let in")
            return
        }
        #expect(problem.status == 401)
        #expect(problem.headers == [HeaderField("WWW-Authenticate", "Bearer realm=\"freshet\"")])
    }

    @Test func aPreflightNeedsNoKeyAndMayNothing() throws {
        let policy = Self.policy(keys: true)
        let facts = RequestFacts(method: "OPTIONS", host: "localhost", origin: "https://evil.example")
        let admission = try policy.admit(facts, now: Self.now).get()
        #expect(admission.credential == .preflight)
        for (_, right) in Rights.named {
            #expect(policy.authorise(admission, right, stream: "chat/1")?.status == 403)
        }
    }

    @Test func aCookieReads() throws {
        let facts = RequestFacts(method: "GET", host: "localhost", secFetchSite: "same-site", cookie: Self.cookie)
        #expect(try Self.policy(keys: true).admit(facts, now: Self.now).get().credential == .cookie)
        #expect(status(Self.policy(keys: true), facts, now: Self.now + 60) == 401)
    }

    @Test(
        arguments: [
            (origin: "http://localhost:1", site: nil, counts: true), (origin: page, site: "cross-site", counts: true),
            (origin: nil, site: "same-origin", counts: true), (origin: nil, site: nil, counts: false),
            (origin: nil, site: "none", counts: false), (origin: nil, site: "same-site", counts: false),
        ] as [(origin: String?, site: String?, counts: Bool)]
    )
    func aCookieChangesSomethingOnlyFromAPageThatIsKnown(origin: String?, site: String?, counts: Bool) {
        let facts = RequestFacts(
            method: "POST",
            host: "localhost:1",
            origin: origin,
            secFetchSite: site,
            cookie: Self.cookie
        )
        #expect(status(Self.policy(keys: true), facts) == (counts ? nil : 401))
    }

    // MARK: CORS

    @Test func anAllowedPageMaySeeResponsesByItsOwnNameAndWithCredentials() {
        let fields = Self.policy().corsFields(origin: Self.page, preflight: false)
        #expect(fields.contains(HeaderField("Access-Control-Allow-Origin", Self.page)))
        #expect(fields.contains(HeaderField("Access-Control-Allow-Credentials", "true")))
        let exposed = fields.first { $0.name == "Access-Control-Expose-Headers" }?.value ?? ""
        for name in [
            "Stream-Next-Offset", "Stream-Closed", "Stream-End-Reason", "Stream-Gap", "Producer-Epoch", "ETag",
            "Location",
            "Retry-After",
        ] {
            #expect(exposed.split(separator: ", ").contains(Substring(name)))
        }
        #expect(fields.contains(HeaderField("Timing-Allow-Origin", Self.page)))
        #expect(fields.allSatisfy { !$0.value.contains("*") && $0.name != "Vary" })
    }

    @Test func aPreflightSaysWhatAPageMaySend() {
        let fields = Self.policy().corsFields(origin: Self.page, preflight: true)
        let allowed = fields.first { $0.name == "Access-Control-Allow-Headers" }?.value ?? ""
        for name in ["Authorization", "Content-Type", "Last-Event-ID", "Stream-Cancel", "Producer-Seq"] {
            #expect(allowed.split(separator: ", ").contains(Substring(name)))
        }
        #expect(
            fields.contains(HeaderField("Access-Control-Allow-Methods", "GET, HEAD, PUT, POST, DELETE, OPTIONS"))
        )
    }

    @Test(arguments: [
        nil, "null", "*", "https://evil.example", "https://app.example.evil", "https://app.example\r\nX: y",
    ])
    func noOtherPageIsToldAnything(origin: String?) {
        #expect(Self.policy().corsFields(origin: origin, preflight: false).isEmpty)
        #expect(Self.policy().corsFields(origin: origin, preflight: true).isEmpty)
    }

    // MARK: https

    @Test(
        arguments: [
            (nil, false), ("https", true), ("HTTPS, http", true), ("http, https", false), ("", false),
            (" https ", true),
        ] as [(String?, Bool)]
    )
    func theFirstProxySaysWhetherTheBrowserCameByHTTPS(field: String?, expected: Bool) {
        #expect(RequestFacts(method: "POST", forwardedProto: field).isForwardedHTTPS == expected)
    }
}

extension AccessPolicy {
    /// Both questions of the responder, in its order: where the request comes from, then who sent it.
    fileprivate func admit(_ facts: RequestFacts, now: Int64) -> Result<Admission, Problem> {
        if let problem = screen(facts) { return .failure(problem) }
        return identify(facts, now: now)
    }
}
