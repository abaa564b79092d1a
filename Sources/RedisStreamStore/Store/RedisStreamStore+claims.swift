import Locks
package import StreamCore

/// Who is at work on streams.
///
/// A claim is noted for the session before it is made, so that whoever finds the node dead knows of it. Once it stands it is
/// stated with every append, and the function that appends refuses it when it is gone.
@available(freshet 0.1, *)
extension RedisStreamStore {
    package func claim(_ name: StreamName, _ request: ClaimRequest) async throws(StoreError) -> ClaimOutcome {
        while true {
            if node.beat.isFirst { try await beatSession() }
            let claim = node.newClaim(name, request)
            do throws(StoreError) {
                if let outcome = try await attempt(claim, name, request) { return outcome }
            } catch {
                // It may stand, or only be noted: both are taken back.
                node.willRelease(claim, isTorn: false)
                throw error
            }
        }
    }

    /// Nil when it must be tried again, with another claim.
    private func attempt(
        _ claim: StreamClaim,
        _ name: StreamName,
        _ request: ClaimRequest
    ) async throws(StoreError) -> ClaimOutcome? {
        guard let owned = node.owned(claim) else { return nil }
        while true {
            let noted = try await caller.call(noteCall("freshet1_session_note", claim, name), .writes)
            guard noted.word == "noted" else {
                wasBuried(claim.session)
                return nil
            }
            var call = function("freshet1_claim", of: name, [":m", ":s"])
            call.add(try read { () throws(ReplyDamage) in try noted.integer(1) })
            call.add(claim.text)
            call.add(owned.kindWord)
            call.add(request.label)
            call.add(request.birth)
            call.add(request.leaseSeconds)
            let reply = try await caller.call(call, .writes)
            switch reply.word {
            case "claimed": return .claimed(claim)
            case "late": continue
            default:
                node.willRelease(claim, isTorn: false)
                await tryRelease(claim)
                guard reply.word == "ended" else { return .notFound }
                guard let end = try read({ () throws(ReplyDamage) in try reply.end(4) }) else { throw .damagedReply }
                return .ended(end)
            }
        }
    }

    private func noteCall(_ function: String, _ claim: StreamClaim, _ name: StreamName) -> FunctionCall {
        let session = NodeSession.text(claim.session)
        let noted = keys.claims(of: session)
        let isNote = function == "freshet1_session_note"
        var call = FunctionCall(function, keys: isNote ? [keys.beats, keys.buried, noted] : [noted], at: now)
        if isNote { call.add(session) }
        call.add("\(claim.number) \(name.text)")
        return call
    }

    package func release(_ claim: StreamClaim, of name: StreamName, isTorn: Bool) async {
        if node.owned(claim) != nil {
            node.willRelease(claim, isTorn: isTorn)
            await tryRelease(claim)
        } else if let kind = try? await stream(name)?.claims.first(where: { $0.claim == claim })?.kind {
            // Another node's.
            _ = try? await giveBack(claim, OwnedClaim(name: name, kindWord: kind), isTorn: isTorn)
        }
    }

    /// Gives back what could not be given back when it was to be.
    func releaseUnreleased() async {
        for (claim, _) in node.unreleased { await tryRelease(claim) }
    }

    /// What cannot be done now is tried again with the next beat.
    private func tryRelease(_ claim: StreamClaim) async {
        guard let owned = node.owned(claim), let isTorn = node.unreleased.first(where: { $0.claim == claim })?.isTorn
        else { return }
        do throws(StoreError) {
            try await giveBack(claim, owned, isTorn: isTorn)
            node.forget(claim)
        } catch {
            return
        }
    }

    private func giveBack(_ claim: StreamClaim, _ owned: OwnedClaim, isTorn: Bool) async throws(StoreError) {
        if owned.kind == .answer {
            // Refused where the claim is gone or the stream has ended, which is as well.
            _ = try await append(owned.name, AppendRequest(end: StreamClaim.interruption, claim: claim))
        }
        var call = function("freshet1_unclaim", of: owned.name, [":m", ":s"])
        call.add(claim.text)
        call.add(owned.label)
        call.add(isTorn && owned.tornLeaseSeconds > 0 ? owned.tornLeaseSeconds : nil)
        let reply = try await caller.call(call, .writes)
        if reply.elements.count > 1, let due = try read({ () throws(ReplyDamage) in try reply.optionalInteger(1) }) {
            _ = try await caller.call(dueCall(owned.name, after: .milliseconds(due)), .writes)
        }
        _ = try await caller.call(noteCall("freshet1_session_unnote", claim, owned.name), .writes)
    }

    // MARK: What can be told

    package func holdings(of names: [StreamName]) async throws(StoreError) -> [StreamHolding?] {
        let now = try await serverTime()
        var holdings: [(stream: StreamReply?, sessions: [UInt64])] = []
        for (name, result) in zip(names, try await reader.call(names.map(infoCall), .reads)) {
            let reply = try result.get()
            let stream = try read { () throws(ReplyDamage) in try StreamStanding(reply, of: name).stream }
            var sessions: [UInt64] = []
            for (claim, _) in stream?.claims ?? [] where !sessions.contains(claim.session) {
                sessions.append(claim.session)
            }
            holdings.append((stream, sessions))
        }
        let writers = try await nodeNames(of: Set(holdings.flatMap(\.sessions)))
        return holdings.map { stream, sessions in
            stream.map { stream in
                StreamHolding(
                    openProducers: stream.claims.count,
                    writers: sessions.map { writers[$0] ?? NodeSession.text($0) },
                    leaseRemaining: stream.leaseRemaining,
                    expiresIn: stream.expiresIn(at: now)
                )
            }
        }
    }

    private func nodeNames(of sessions: Set<UInt64>) async throws(StoreError) -> [UInt64: String] {
        guard !sessions.isEmpty else { return [:] }
        let ordered = Array(sessions)
        var command = RedisCommand("HMGET")
        command.add(keys.nodeNames)
        for session in ordered { command.add(NodeSession.text(session)) }
        let names = try await reader.send([command], .reads)[0].elements ?? []
        return Dictionary(zip(ordered, names).compactMap { session, name in name.text.map { (session, $0) } }) { $1 }
    }

    package func isFollowedElsewhere(_ name: StreamName) async throws(StoreError) -> Bool {
        // Those that lost their connections with this node may not all be back.
        guard let time = node.connectedFor, time >= configuration.settling, case .up = subscriber.state else {
            throw .unavailable("Not all nodes need be connected yet.")
        }
        let isSubscribed = watchers.isSubscribed(name)
        var command = RedisCommand("PUBSUB")
        command.add("NUMSUB")
        command.add(keys.channel(of: name))
        let reply = try await reader.send([command], .reads)[0]
        guard let count = reply.elements?.last?.integer else { throw .damagedReply }
        return count > (isSubscribed ? 1 : 0)
    }
}

@available(freshet 0.1, *)
extension StreamReply {
    /// What is left of the lease; nil when none runs.
    fileprivate var leaseRemaining: Duration? {
        guard claims.isEmpty, info.end == nil, let seconds = info.options.leaseSeconds else { return nil }
        return max(.zero, .seconds(seconds) - silentFor)
    }

    /// What is left of the time to live; nil when nothing counts down.
    fileprivate func expiresIn(at now: UInt64) -> Duration? {
        guard claims.isEmpty else { return nil }
        let left: Duration
        switch info.options.expiry {
        case nil: return nil
        case .idle(let seconds): left = .seconds(seconds) - unusedFor
        case .at(let moment): left = .milliseconds(Int64(moment) - Int64(now))
        }
        return max(.zero, left, held)
    }
}
