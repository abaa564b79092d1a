import FreshetServer
import Testing

@Suite struct SessionCookieTests {
    static let key = "correct-horse-battery"
    let ring: KeyRing
    let now: Int64 = 1_700_000_000

    init() throws {
        ring = try KeyRing(parsing: "web \(Self.key) read chat/\nother another-key-entirely all *", file: "keys")
    }

    /// What a browser sends back for a `Set-Cookie`.
    private func cookie(lifetime: Int64 = 3600, ring: KeyRing? = nil) throws -> String {
        let field = try #require(
            SessionCookie.issue(for: Self.key, ring: ring ?? self.ring, now: now, lifetime: lifetime, secure: false)
        )
        return String(field.prefix { $0 != ";" })
    }

    @Test func aPageGetsTheRightsOfItsKeyUntilTheCookieEnds() throws {
        let cookie = try cookie()
        let caller = try #require(SessionCookie.verify(cookie, ring: ring, now: now))
        #expect(caller == ring.caller(forBearer: Self.key))
        #expect(SessionCookie.verify(cookie, ring: ring, now: now + 3599) != nil)
        #expect(SessionCookie.verify(cookie, ring: ring, now: now + 3600) == nil)
        #expect(SessionCookie.verify(cookie, ring: ring, now: .max) == nil)
    }

    @Test func noScriptNoOtherSiteAndOnDemandNoPlainConnectionSeesIt() throws {
        let plain = try #require(SessionCookie.issue(for: Self.key, ring: ring, now: now, lifetime: 60, secure: false))
        #expect(plain.hasPrefix("freshet_session=web.1700000060."))
        #expect(plain.hasSuffix("; Path=/; Max-Age=60; HttpOnly; SameSite=Strict"))
        let secure = try #require(SessionCookie.issue(for: Self.key, ring: ring, now: now, lifetime: 60, secure: true))
        #expect(secure == plain + "; Secure")
        #expect(!plain.contains(Self.key))
    }

    @Test func aWrongKeyGetsNone() {
        #expect(
            SessionCookie.issue(for: "nobody-has-this-key", ring: ring, now: now, lifetime: 60, secure: false) == nil
        )
    }

    @Test func anotherServerWithTheSameKeysTakesItAndOneWithoutTheKeyDoesNot() throws {
        let cookie = try cookie()
        let hashed = try KeyRing(parsing: "web sha256:\(KeyRingTests.digest) read chat/", file: "other")
        #expect(SessionCookie.verify(cookie, ring: hashed, now: now)?.name == "web")
        let changed = try KeyRing(parsing: "web a-new-key-after-a-leak read chat/", file: "other")
        #expect(SessionCookie.verify(cookie, ring: changed, now: now) == nil)
        let renamed = try KeyRing(parsing: "page \(Self.key) read chat/", file: "other")
        #expect(SessionCookie.verify(cookie, ring: renamed, now: now) == nil)
    }

    @Test func aCookieWithAnyBitChangedIsRefused() throws {
        let bytes = Array(try cookie().utf8)
        for index in bytes.indices {
            for bit in 0..<8 {
                var changed = bytes
                changed[index] ^= 1 << UInt8(bit)
                let text = String(decoding: changed, as: UTF8.self)
                #expect(SessionCookie.verify(text, ring: ring, now: now) == nil, "byte \(index), bit \(bit)")
            }
        }
    }

    @Test func aCookieWithAnyByteAddedOrTakenIsRefused() throws {
        let bytes = Array(try cookie().utf8)
        for index in bytes.indices {
            var shorter = bytes
            shorter.remove(at: index)
            #expect(SessionCookie.verify(String(decoding: shorter, as: UTF8.self), ring: ring, now: now) == nil)
            // A space before the name or a semicolon at the end is no change to the cookie.
            for byte in [UInt8(ascii: "0"), UInt8(ascii: "A"), UInt8(ascii: "="), UInt8(ascii: ".")] {
                var longer = bytes
                longer.insert(byte, at: index)
                #expect(SessionCookie.verify(String(decoding: longer, as: UTF8.self), ring: ring, now: now) == nil)
                #expect(
                    SessionCookie.verify(String(decoding: bytes + [byte], as: UTF8.self), ring: ring, now: now) == nil
                )
            }
        }
    }

    @Test func partsOfTwoGoodCookiesMakeNoThird() throws {
        let short = try cookie(lifetime: 60).split(separator: ".")
        let long = try cookie(lifetime: 6000).split(separator: ".")
        #expect(SessionCookie.verify("\(short[0]).\(long[1]).\(short[2])", ring: ring, now: now) == nil)
        #expect(SessionCookie.verify("freshet_session=other.\(long[1]).\(long[2])", ring: ring, now: now) == nil)
    }

    @Test func itIsFoundAmongOtherCookiesAndBehindAFalseOne() throws {
        let cookie = try cookie()
        for header in ["a=b; \(cookie); c=d", "\(cookie);c", "freshet_session=web.9.x; \(cookie)", ";;\t\(cookie)"] {
            #expect(SessionCookie.verify(header, ring: ring, now: now) != nil)
        }
        for header in [
            "", "freshet_session", "freshet_session=", "x\(cookie)", "a=\(cookie)", "freshet_session=..", "=;=;",
        ] {
            #expect(SessionCookie.verify(header, ring: ring, now: now) == nil)
        }
    }

    @Test func aHeaderFullOfFalseOnesCostsFewChecks() throws {
        let flood = String(repeating: "freshet_session=web.9999999999.x; ", count: 400)
        #expect(SessionCookie.verify(flood + (try cookie()), ring: ring, now: now) == nil)
    }
}
