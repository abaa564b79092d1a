import Testing

@testable import FreshetServer

@Suite struct SessionCookieTests {
    static let key = "correct-horse-battery"
    let ring: KeyRing
    let now: Int64 = 1_700_000_000

    init() throws {
        ring = try KeyRing(parsing: "web \(Self.key) read chat/\nother another-key-entirely all *", file: "keys")
    }

    /// What a browser sends back.
    private func cookie(lifetime: Int64 = 3600) throws -> String {
        try #require(NarrowedSession.cookie(for: Self.key, of: ring, expires: now + lifetime))
    }

    /// Whose cookie is in a `Cookie` header, on a server with these keys.
    private func caller(_ header: String, _ ring: KeyRing, now: Int64) -> Caller? {
        AccessPolicy(boundToLoopback: true, hosts: [], allowedOrigins: [], keys: ring, open: false)
            .session(in: header, now: now)?.caller
    }

    @Test func aPageReadsWhatItsKeyReadsUntilTheCookieEnds() throws {
        let cookie = try cookie()
        let reader = try #require(caller(cookie, ring, now: now))
        #expect(reader == ring.caller(forBearer: Self.key))
        #expect(caller(cookie, ring, now: now + 3599) != nil)
        #expect(caller(cookie, ring, now: now + 3600) == nil)
        #expect(caller(cookie, ring, now: .max) == nil)
    }

    @Test func noScriptNoOtherSiteAndOnDemandNoPlainConnectionSeesIt() {
        let plain = SessionCookie.field("value", lifetime: 60, secure: false)
        #expect(plain == "freshet_session=value; Path=/; Max-Age=60; HttpOnly; SameSite=Strict")
        #expect(SessionCookie.field("value", lifetime: 60, secure: true) == plain + "; Secure")
    }

    @Test func anotherServerWithTheSameKeysTakesItAndOneWithoutTheKeyDoesNot() throws {
        let cookie = try cookie()
        let hashed = try KeyRing(parsing: "web sha256:\(KeyRingTests.digest) read chat/", file: "other")
        #expect(caller(cookie, hashed, now: now)?.name == "web")
        let changed = try KeyRing(parsing: "web a-new-key-after-a-leak read chat/", file: "other")
        #expect(caller(cookie, changed, now: now) == nil)
        let renamed = try KeyRing(parsing: "page \(Self.key) read chat/", file: "other")
        #expect(caller(cookie, renamed, now: now) == nil)
    }

    @Test func aCookieWithAnyBitChangedIsRefused() throws {
        let bytes = Array(try cookie().utf8)
        for index in bytes.indices {
            for bit in 0..<8 {
                var changed = bytes
                changed[index] ^= 1 << UInt8(bit)
                let text = String(decoding: changed, as: UTF8.self)
                #expect(caller(text, ring, now: now) == nil, "byte \(index), bit \(bit)")
            }
        }
    }

    @Test func aCookieWithAnyByteAddedOrTakenIsRefused() throws {
        let bytes = Array(try cookie().utf8)
        for index in bytes.indices {
            var shorter = bytes
            shorter.remove(at: index)
            #expect(caller(String(decoding: shorter, as: UTF8.self), ring, now: now) == nil)
            // A space before the name or a semicolon at the end is no change to the cookie.
            for byte in [UInt8(ascii: "0"), UInt8(ascii: "A"), UInt8(ascii: "="), UInt8(ascii: ".")] {
                var longer = bytes
                longer.insert(byte, at: index)
                #expect(caller(String(decoding: longer, as: UTF8.self), ring, now: now) == nil)
                #expect(caller(String(decoding: bytes + [byte], as: UTF8.self), ring, now: now) == nil)
            }
        }
    }

    @Test func partsOfTwoGoodCookiesMakeNoThird() throws {
        let short = try cookie(lifetime: 60).split(separator: ".")
        let long = try cookie(lifetime: 6000).split(separator: ".")
        #expect(caller("\(short[0]).\(long[1]).\(short[2])", ring, now: now) == nil)
        #expect(caller("\(short[0]).\(short[1]).\(long[2])", ring, now: now) == nil)
    }

    @Test func itIsFoundAmongOtherCookiesAndBehindAFalseOne() throws {
        let cookie = try cookie()
        for header in ["a=b; \(cookie); c=d", "\(cookie);c", "freshet_session=~.9.x; \(cookie)", ";;\t\(cookie)"] {
            #expect(caller(header, ring, now: now) != nil)
        }
        for header in [
            "", "freshet_session", "freshet_session=", "x\(cookie)", "a=\(cookie)", "freshet_session=..", "=;=;",
        ] {
            #expect(caller(header, ring, now: now) == nil)
        }
    }

    @Test func aHeaderFullOfFalseOnesCostsFewChecks() throws {
        let flood = String(repeating: "freshet_session=~.9999999999.x; ", count: 400)
        #expect(caller(flood + (try cookie()), ring, now: now) == nil)
    }
}
