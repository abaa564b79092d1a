import ProbeProtocol
import Testing

@testable import FreshetServer

@Suite struct ProbeAccessTests {
    private static let bearer = "abcdefghijklmnop"
    private let now: Int64 = 1_800_000_000

    private func access(_ change: (inout ServerConfiguration) -> Void = { _ in }, keys: Bool, hasGate: Bool = false)
        throws -> ProbeAccess
    {
        var configuration = ServerConfiguration()
        change(&configuration)
        let ring = keys ? try KeyRing(parsing: "one \(Self.bearer) read a/", file: "keys") : nil
        let access = CurrentAccess(configuration.accessPolicy(keys: ring))
        return ProbeAccess(configuration, access: access, hasGate: hasGate)
    }

    @Test func onLoopbackItIsOpenUnlessItIsTurnedOff() throws {
        #expect(try access(keys: false).refusal(token: nil, now: now) == nil)
        #expect(try access({ $0.probe = false }, keys: false).refusal(token: nil, now: now) == .off)
    }

    @Test func beyondLoopbackItIsOffUnlessItIsTurnedOn() throws {
        let token = ProbeToken.issue(bearer: Self.bearer, now: now)
        #expect(try access({ $0.host = "0.0.0.0" }, keys: true).refusal(token: token, now: now) == .off)
        #expect(
            try access(
                {
                    $0.host = "0.0.0.0"; $0.open = true
                },
                keys: false
            ).refusal(token: nil, now: now) == .off
        )
        let on = try access(
            {
                $0.host = "0.0.0.0"; $0.probe = true
            },
            keys: true
        )
        #expect(on.refusal(token: token, now: now) == nil)
        #expect(on.refusal(token: nil, now: now) == .noToken)
    }

    @Test func whereThereAreKeysATokenIsWanted() throws {
        let access = try access(keys: true)
        #expect(access.refusal(token: nil, now: now) == .noToken)
        #expect(access.refusal(token: Self.bearer, now: now) == .wrongToken)
        #expect(access.refusal(token: ProbeToken.issue(bearer: "another-key-of-16", now: now), now: now) == .wrongToken)
        let token = ProbeToken.issue(bearer: Self.bearer, now: now)
        #expect(access.refusal(token: token, now: now) == nil)
        #expect(access.refusal(token: token, now: now + ProbeToken.usualLifetime) == .wrongToken)
    }

    @Test func aProgramThatDecidesWhoMayHasNoOpenProbe() throws {
        #expect(try access(keys: false, hasGate: true).refusal(token: nil, now: now) == .off)
        #expect(try access(keys: true, hasGate: true).refusal(token: nil, now: now) == .noToken)
    }
}
