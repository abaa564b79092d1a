import ProbeProtocol
import Testing

@Suite struct ProbeTokenTests {
    private static let key = [UInt8](repeating: 7, count: 32)
    private static let other = [UInt8](repeating: 8, count: 32)

    @Test func aTokenIsGoodUntilItEnds() {
        let token = ProbeToken.issue(keyDigest: Self.key, now: 1000, lifetime: 60)
        #expect(ProbeToken.verify(token, keyDigests: [Self.other, Self.key], now: 1000))
        #expect(ProbeToken.verify(token, keyDigests: [Self.key], now: 1059))
        #expect(!ProbeToken.verify(token, keyDigests: [Self.key], now: 1060))
        #expect(!ProbeToken.verify(token, keyDigests: [Self.other], now: 1000))
        #expect(!ProbeToken.verify(token, keyDigests: [], now: 1000))
    }

    @Test func nobodyMakesOneThatLastsForEver() {
        let token = ProbeToken.issue(keyDigest: Self.key, now: 1000, lifetime: 3601)
        #expect(!ProbeToken.verify(token, keyDigests: [Self.key], now: 1000))
    }

    @Test func aBearerKeyAndItsDigestSignAlike() {
        // printf %s abcdefghijklmnop | sha256sum
        let digest: [UInt8] = [
            0xf3, 0x9d, 0xac, 0x6c, 0xba, 0xba, 0x53, 0x5e, 0x2c, 0x20, 0x7c, 0xd0, 0xcd, 0x8f, 0x15, 0x49, 0x74, 0x22,
            0x3c, 0x84, 0x8f, 0x72, 0x7f, 0x98, 0xb3, 0x56, 0x4c, 0xea, 0x56, 0x9b, 0x41, 0xcf,
        ]
        let token = ProbeToken.issue(bearer: "abcdefghijklmnop", now: 5)
        #expect(token.utf8.starts(with: "905.".utf8))
        #expect(ProbeToken.verify(token, keyDigests: [digest], now: 5))
    }

    @Test(arguments: ["", ".", "1060", "1060.", ".x", "1060.x.y", "+1060.x", "99999999999999999999.x"])
    func whatIsNoTokenOpensNothing(token: String) {
        #expect(!ProbeToken.verify(token, keyDigests: [Self.key], now: 1000))
    }

    @Test func aTokenWithAnotherEndThanItWasSignedForIsWorthless() {
        let token = ProbeToken.issue(keyDigest: Self.key, now: 1000, lifetime: 60)
        let changed = "2000" + token.dropFirst(4)
        #expect(!ProbeToken.verify(changed, keyDigests: [Self.key], now: 1000))
    }
}
