import Locks
package import StreamCore

/// A Redis that takes streams from elsewhere as they are. Nodes may be at work on others meanwhile.
///
/// A stream is built under a key that goes a minute after the last step, and one function makes a stream of it.
@available(freshet 0.1, *)
package final class RedisImport: StreamImport {
    private let store: RedisStreamStore
    /// Forks whose sources have yet to know of them: a source may come after its forks.
    private let forks = Mutex<[(name: StreamName, source: StreamName, nonce: String)]>([])

    /// Seconds of the lease that a stream gets whose producer died, and that has none.
    private static let tornLease = 60
    /// Runs that one call adds to a stream that is there: Redis does nothing else meanwhile.
    private static let runsAtOnce = 2000

    package init(_ store: RedisStreamStore) {
        self.store = store
    }

    package func take(
        _ record: StreamRecord,
        events: @Sendable (Offset) async throws(StoreError) -> ExportedPage?
    ) async throws(StoreError) -> ImportOutcome {
        let name = record.info.name
        let existing: StreamInfo?
        var isSoftDeleted = false
        switch try await store.standing(of: name) {
        case .there(let stream): existing = stream.info
        case .gone: (existing, isSoftDeleted) = (nil, true)
        case .none: existing = nil
        case .pending: throw .unavailable("The stream \(name) is just being created in Redis.")
        }
        switch ImportStanding(of: record, to: existing, isSoftDeleted: isSoftDeleted) {
        case .decided(let outcome): return outcome
        // Its forks are streams of their own here: the name need not be kept for them.
        case .new where record.isSoftDeleted: return .same
        case .new: return try await make(record, events)
        case .outdated:
            _ = try await store.remove(name, because: .deleted, born: record.info.birth)
            let outcome = try await make(record, events)
            return outcome == .created ? .extended : outcome
        case .beginning(let tail): return try await extend(record, after: tail, events)
        }
    }

    package func finish() async throws(StoreError) {
        for fork in forks.withLock(\.self) {
            guard let source = try await store.stream(fork.source), let target = try await store.stream(fork.name),
                target.info.forkedFrom?.source == fork.source
            else { continue }
            var call = store.function("freshet1_fork_enter", of: fork.source, [":m"])
            call.add(source.info.birth)
            call.add(fork.name.text)
            call.add(fork.nonce)
            _ = try await store.caller.call(call, .writes)
        }
        try await store.confirm()
        try await store.tellUsage()
    }

    // MARK: One stream

    private func make(
        _ record: StreamRecord,
        _ events: @Sendable (Offset) async throws(StoreError) -> ExportedPage?
    ) async throws(StoreError) -> ImportOutcome {
        let name = record.info.name
        let nonce = Self.nonce()
        var build = Build(nonce: nonce, tail: record.info.floor)
        while build.tail < record.info.tail {
            guard let page = try await events(build.tail), page.standing == .exact else { return .changedMeanwhile }
            guard try await add(page, to: &build, of: record) else { return .changedMeanwhile }
        }
        while true {
            var options = record.info.options
            options.leaseSeconds = Self.lease(of: record)
            let version = try await store.enter(name, options)
            let reply = try await store.caller.call(call(record, build, version: version), .writes)
            switch reply.word {
            case "late": continue
            case "lost": return .changedMeanwhile
            case "exists", "gone": return .differs(.otherStream)
            case "created": break
            default: throw .damagedReply
            }
            let stream = try store.read { () throws(ReplyDamage) in try StreamReply(reply, of: name) }
            store.count.add(streams: 1, bytes: stream.cost)
            if let source = record.info.forkedFrom?.source { forks.withLock { $0.append((name, source, nonce)) } }
            return .created
        }
    }

    /// The lease that a stream has from now on.
    private static func lease(of record: StreamRecord) -> Int? {
        guard record.info.end == nil else { return record.info.options.leaseSeconds }
        return record.info.options.leaseSeconds ?? (record.hadOpenProducer ? tornLease : nil)
    }

    private func call(_ record: StreamRecord, _ build: Build, version: Int) -> FunctionCall {
        let info = record.info
        var options = info.options
        options.leaseSeconds = record.createdLeaseSeconds
        var call = store.function("freshet1_import", of: info.name, [":m", ":s", ":t", ":b:\(build.nonce)"])
        call.add(version)
        call.add(options.contentType.essence)
        call.add(options.blob)
        call.add(options.retention.wire)
        call.add(Self.lease(of: record))
        switch options.expiry {
        case nil: call.addNothing()
        case .idle(let seconds): call.add("i\(seconds)")
        case .at(let moment): call.add("a\(moment)")
        }
        call.add(UInt64(info.name.counterBase))
        call.add(info.birth)
        call.add(record.origin)
        call.add(info.floor)
        call.add(info.tail)
        call.add(build.events)
        call.add(build.bytes)
        call.add(build.runs)
        call.add(wire: record)
        call.add(info.forkedFrom?.blob(nonce: build.nonce) ?? [])
        call.add(producersOf: record)
        return call
    }

    /// Adds what is missing to a stream that is there, some runs at a time.
    private func extend(
        _ record: StreamRecord,
        after tail: Offset,
        _ events: @Sendable (Offset) async throws(StoreError) -> ExportedPage?
    ) async throws(StoreError) -> ImportOutcome {
        let name = record.info.name
        var from = tail
        repeat {
            var build = Build(nonce: Self.nonce(), tail: from)
            while build.tail < record.info.tail, build.runs < Self.runsAtOnce {
                guard let page = try await events(build.tail), page.standing == .exact,
                    try await add(page, to: &build, of: record)
                else { return .differs(.wentOn) }
            }
            let isLast = build.tail >= record.info.tail
            var call = store.function("freshet1_extend", of: name, [":m", ":s", ":b:\(build.nonce)"])
            call.add(record.info.birth)
            call.add(from)
            call.add(build.tail)
            call.add(build.events)
            call.add(build.bytes)
            call.add(build.runs)
            if isLast {
                call.add(wire: record)
                call.add(producersOf: record)
            } else {
                for _ in 0..<3 { call.addNothing() }
            }
            let reply = try await store.caller.call(call, .writes)
            switch reply.word {
            case "extended": break
            case "lost": return .changedMeanwhile
            case "none", "gone", "changed": return .differs(.wentOn)
            default: throw .damagedReply
            }
            let (takenEvents, takenBytes) = try store.read { () throws(ReplyDamage) in
                (try reply.integer(1), try reply.integer(2))
            }
            let events = build.events - takenEvents
            store.count.add(bytes: build.bytes - takenBytes + events * StoreLimits.eventOverhead)
            from = build.tail
        } while from < record.info.tail
        return .extended
    }

    /// Runs that wait to be taken.
    private struct Build {
        let nonce: String
        var tail: Offset
        var runs = 0
        var events = 0
        var bytes = 0
    }

    /// False when what was built before is gone.
    private func add(_ page: ExportedPage, to build: inout Build, of record: StreamRecord) async throws(StoreError)
        -> Bool
    {
        let name = record.info.name
        guard let last = page.lastOffset, last > build.tail, last <= record.info.tail else {
            throw .damaged("The stream \(name) has no events up to \(record.info.tail), where it should end.")
        }
        let size = page.parts.reduce(0) { $0 + $1.run.size + $1.run.count * 8 }
        var call = store.function("freshet1_build", of: name, [":b:\(build.nonce)"], reserving: size + 512)
        call.add(build.runs == 0 ? "1" : nil)
        for part in page.parts {
            for stretch in part.run.stretches {
                let batch = EventBatch(stretch.map(\.body))
                for range in store.configuration.runs.runs(of: batch) {
                    call.add(stretch.offset(at: stretch.startIndex + range.lowerBound).decimal)
                    call.add(batch[range])
                    build.runs += 1
                }
                build.events += batch.count
                build.bytes += batch.size
            }
        }
        build.tail = last
        let reply = try await store.caller.call(call, .writes)
        return try store.read { () throws(ReplyDamage) in try reply.integer(0) } == build.runs
    }

    private static func nonce() -> String { String(UInt64.random(in: .min ... .max), radix: 16) }
}

@available(freshet 0.1, *)
extension FunctionCall {
    /// The end, the closing stamp and the last `Stream-Seq` of a stream that is copied.
    fileprivate mutating func add(wire record: StreamRecord) {
        if let end = record.info.end {
            add("\(end.offset.decimal) \(end.reason.rawValue)" + (end.detail.map { " \($0)" } ?? ""))
        } else {
            addNothing()
        }
        add(record.closingStamp.map { "\($0.epoch) \($0.sequence) \($0.id)" })
        add(record.sequence.map { "+\($0)" })
    }

    fileprivate mutating func add(producersOf record: StreamRecord) {
        for (id, state) in record.producers {
            add(id)
            add(state.epoch)
            add(state.sequence)
        }
    }
}

@available(freshet 0.1, *)
extension EventRun {
    /// The stretches of it whose offsets follow each other one by one.
    fileprivate var stretches: [EventRun] {
        var stretches: [EventRun] = []
        var start = startIndex
        for index in indices.dropFirst() where offset(at: index) != offset(at: index - 1).advanced(by: 1) {
            stretches.append(self[start..<index])
            start = index
        }
        if start < endIndex { stretches.append(self[start..<endIndex]) }
        return stretches
    }
}
