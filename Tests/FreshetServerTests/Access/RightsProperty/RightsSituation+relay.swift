import StoreSuite
import StreamCore
import StreamHTTP

@testable import FreshetServer

/// How often the relay was open, by what opened it, and how often it was not.
struct RelayTally {
    enum Opening: String, Sendable, CaseIterable {
        case key, token, template, narrowedSession
    }

    var allowed: [Opening: Int] = [:]
    var refused = 0
    /// Somebody else's answer, by the name of its stream.
    var reads = 0
    var cancels = 0
}

extension RightsSituation {
    private static let relayRights = ["create", "create", "all", "read", "cancel", "append", "inspect"]

    private static let relayPatterns = [
        "relay/", "relay/*", "rel*", "*", "relay", "relay/0", "relay/1", "relay/0*", "relays/", "Relay/", "relay%2F",
        "relay\u{301}/", "answers/",
    ]

    private static let relayTemplates = ["{sub}/", "{sub}/*", "{sub}", "relay/{room}", "{sub}/{room}"]

    /// Somebody whose rights are about what the names of answers begin with, or nearly.
    static func ofRelay(seed: UInt64) -> RightsSituation {
        var random = SeededRandom(seed: seed)
        var made = RightsSituation(seed: seed)
        made.existing = ["answers/42"]
        made.forks = []
        made.asks = []
        made.session = .none
        made.grants = (0..<Int.random(in: 1...3, using: &random)).map { _ in
            relayGrant(of: made.credential, &random)
        }
        switch Int.random(in: 0..<6, using: &random) {
        case 0: made.session = .plain
        case 1, 2:
            made.session = .narrowed(made.grants.map { relayWish(for: $0, &random) })
        default: break
        }
        return made
    }

    private static func relayGrant(of credential: Credential, _ random: inout SeededRandom) -> WrittenGrant {
        let right = pick(relayRights, &random)
        guard credential == .token else {
            return WrittenGrant(right: right, pattern: .keysFile(pick(relayPatterns, &random)))
        }
        guard Bool.random(using: &random) else {
            return WrittenGrant(right: right, pattern: .token(pick(relayPatterns, &random)))
        }
        let claims = [
            "sub": pick(["relay", "relay", "relay", "relays", "relay/", "*"], &random),
            "room": pick(["0", "1", "0/", ""], &random),
        ]
        return WrittenGrant(right: right, pattern: .template(pick(relayTemplates, &random), claims))
    }

    private static func relayWish(for grant: WrittenGrant, _ random: inout SeededRandom) -> WrittenGrant {
        let text =
            switch grant.pattern {
            case .keysFile(let text), .token(let text): text
            case .template, .everywhere: "relay/"
            }
        if Int.random(in: 0..<4, using: &random) == 0 { return WrittenGrant(right: grant.right, pattern: .everywhere) }
        let isOther = Int.random(in: 0..<4, using: &random) == 0
        return WrittenGrant(right: grant.right, pattern: .token(isOther ? pick(relayPatterns, &random) : text))
    }

    /// What is wrong first with what the relay does, while it makes an answer for somebody else; nil where nothing is.
    func relayFailure(counting tally: inout RelayTally) async throws -> String? {
        var desk = try await RightsDesk(self)
        var holder = RightsHolder(grants: grants)
        var wish: [WrittenGrant] = []
        if case .narrowed(let some) = session { wish = some }
        switch session {
        case .none: break
        case .plain, .narrowed:
            guard try await desk.takeSession(wish) else { return nil }
            holder.narrow(wish)
        }
        try await desk.beginOthersCall()
        let failure: String?
        if let wrong = try await callProblem(desk, holder, &tally) {
            failure = wrong
        } else {
            failure = try await nameProblem(desk, holder, &tally)
        }
        try await desk.endOthersCall()
        return failure
    }

    /// What opens the relay to somebody; nil where nothing does.
    private func opening(_ holder: RightsHolder) -> RelayTally.Opening? {
        guard holder.holds("create", on: "relay/") else { return nil }
        if case .narrowed = session { return .narrowedSession }
        guard credential == .token else { return .key }
        let isByTemplate = grants.allSatisfy { grant in
            if case .template = grant.pattern { return true }
            return !grant.gives("create", on: "relay/")
        }
        return isByTemplate ? .template : .token
    }

    /// Calls, and what a call is asked for later.
    private func callProblem(_ desk: RightsDesk, _ holder: RightsHolder, _ tally: inout RelayTally) async throws
        -> String?
    {
        let opening = opening(holder)
        if let opening { tally.allowed[opening, default: 0] += 1 } else { tally.refused += 1 }
        let others = RightsDesk.othersAnswer
        /// Of one's own, and with the key that somebody else has used.
        for (number, key) in [(1, "mine"), (2, RightsDesk.othersKey)] {
            let before = Set(try await desk.streams().keys)
            let seen = await desk.call(key: key)
            let (calls, added) = (desk.calls, Set(try await desk.streams().keys).subtracting(before))
            guard seen.marks.isSubset(of: [StandInUpstream.mark(number)]) else { return "a call shows \(seen.marks)" }
            guard opening != nil else {
                guard seen.status == 403, calls == 1, added.isEmpty else {
                    return "\(seen.status), \(calls) calls, and \(added.count) streams more for who may not call"
                }
                guard seen.follows.isEmpty, seen.grants.isEmpty else { return "a refused call is open" }
                continue
            }
            guard seen.status == 200, calls == number + 1, seen.follows == ["relay/\(number)"] else {
                return "\(seen.status), and it follows \(seen.follows) for who may call with the key \(key)"
            }
            let own = await desk.ask(.GET, "/v1/responses/\(StandInUpstream.id(number))", [], nil)
            guard own.status == 200, own.marks == [StandInUpstream.mark(number)] else {
                return "\(own.status) for one's own answer, which shows \(own.marks)"
            }
        }
        let id = StandInUpstream.id(0)
        for (method, target) in [
            (.GET, "/v1/responses/\(id)"), (.GET, "/v1/responses/\(id)?stream=true"),
            (.POST, "/v1/responses/\(id)/cancel"), (.DELETE, "/v1/responses/\(id)"),
        ] as [(RequestMethod, String)] {
            let calls = desk.calls
            let seen = await desk.ask(method, target, [], nil)
            guard seen.status == (opening == nil ? 403 : 404), seen.marks.isEmpty, seen.follows.isEmpty,
                desk.calls == calls
            else { return "\(seen.status) for somebody else's answer by its id: \(method.rawValue) \(target)" }
        }
        guard let info = try await desk.info(others), info.end == nil else { return "somebody else's answer has ended" }
        return nil
    }

    /// Somebody else's answer by the name of its stream: read, and then stopped.
    private func nameProblem(_ desk: RightsDesk, _ holder: RightsHolder, _ tally: inout RelayTally) async throws
        -> String?
    {
        let others = RightsDesk.othersAnswer
        let mayRead = holder.holds("read", on: others)
        let read = await desk.ask(.GET, "/v1/stream/\(others)", [], nil)
        guard read.status == (mayRead ? 200 : 403), read.marks == (mayRead ? [StandInUpstream.mark(0)] : []) else {
            return "\(read.status) for somebody else's answer by its name"
        }
        if mayRead { tally.reads += 1 }
        let mayCancel = holder.holds("cancel", on: others)
        let cancel = await desk.ask(.POST, "/v1/stream/\(others)", [("Stream-Cancel", "true")], nil)
        let end = try await desk.info(others)?.end
        guard cancel.status == (mayCancel ? 204 : 403), (end?.reason == .cancelled) == mayCancel else {
            return "\(cancel.status) for a cancel of somebody else's answer by its name"
        }
        if mayCancel { tally.cancels += 1 }
        return nil
    }
}
