import Locks
package import StreamCore

/// Streams by their names.
@available(freshet 0.1, *)
extension RedisStreamStore {
    package func list(_ names: NameRanges, after: String?, limit: Int) async throws(StoreError) -> [StreamInfo] {
        var found: [StreamInfo] = []
        try await walk(names, after: after) { streams in
            found += streams.prefix(limit - found.count).map(\.info)
            return found.count < limit ? limit - found.count : nil
        } first: {
            limit
        }
        return found
    }

    /// Walks over the streams of some names in their order, in pages.
    ///
    /// - Parameters:
    ///   - take: gets the next of them, and says how many more are wanted; nil for no more.
    ///   - first: how many are wanted at first.
    private func walk(
        _ names: NameRanges,
        after: String?,
        _ take: ([StreamReply]) -> Int?,
        first: () -> Int
    ) async throws(StoreError) {
        var wanted = first()
        guard wanted > 0 else { return }
        for range in names.ranges(beyond: Array((after ?? "").utf8)) {
            var merge = ShardMerge(range, after: after)
            while true {
                let chunk = min(max(wanted, 16), 256)
                let listed = try await next(chunk, of: &merge)
                if listed.isEmpty { break }
                guard let more = take(try await streams(listed)) else { return }
                wanted = more
            }
        }
    }

    /// The next names of the index, in order.
    private func next(_ count: Int, of merge: inout ShardMerge) async throws(StoreError) -> [StreamName] {
        var names: [StreamName] = []
        while names.count < count {
            let hungry = merge.hungry
            if !hungry.isEmpty {
                // About as many as one shard has of them, and some more.
                let portion = (count - names.count) / StreamKeys.indexShards * 3 / 2 + 8
                let commands = hungry.map { merge.command(for: $0, key: keys.index($0), limit: portion) }
                for (shard, value) in zip(hungry, try await reader.send(commands, .reads)) {
                    guard let members = value.elements else { throw .damagedReply }
                    merge.feed(shard, members.compactMap(\.bytes), isAll: members.count < portion)
                }
            }
            guard let name = merge.next() else { break }
            if let name = try? StreamName(String(decoding: name, as: UTF8.self)) { names.append(name) }
        }
        return names
    }

    /// What there is under these names. One that is listed and not there is forgotten, when it is not just being made.
    private func streams(_ names: [StreamName]) async throws(StoreError) -> [StreamReply] {
        var streams: [StreamReply] = []
        for (name, result) in zip(names, try await reader.call(names.map(infoCall), .reads)) {
            let reply = try result.get()
            let standing = try read { () throws(ReplyDamage) in try StreamStanding(reply, of: name) }
            switch standing {
            case .there(let stream): streams.append(stream)
            case .pending: break
            case .none, .gone: _ = try? await drop(name, version: "", age: .seconds(60))
            }
        }
        return streams
    }

    /// Calls with every stream there is.
    func eachStream(_ body: ([StreamReply]) -> Void) async throws(StoreError) {
        try await walk(NameRanges(prefixes: [""]), after: nil) { streams in
            body(streams)
            return 256
        } first: {
            256
        }
    }

    package func takeEnded(olderThan age: Duration, toFit bytes: Int) async throws(StoreError) {
        // Every append to a full store asks for this: a look at all streams must not be all the node does.
        guard takingEnded.withLock({ $0.begin(at: configuration.time.monotonic()) }) else { return }
        var ended: [(name: StreamName, birth: Offset, end: Offset, cost: Int)] = []
        let result: Result<Void, StoreError>
        do throws(StoreError) {
            let latest = Int64(try await serverTime()) - Int64(age / .milliseconds(1))
            try await eachStream { streams in
                for stream in streams {
                    guard let end = stream.info.end, Int64(end.offset.milliseconds) <= latest else { continue }
                    ended.append((stream.info.name, stream.info.birth, end.offset, stream.cost))
                }
            }
            result = .success(())
        } catch {
            result = .failure(error)
        }
        takingEnded.withLock { $0.finish(at: configuration.time.monotonic()) }
        try result.get()
        var streams = count.usage.streams
        var kept = count.usage.bytes
        var chosen: [(name: StreamName, birth: Offset)] = []
        for stream in ended.sorted(by: { $0.end < $1.end })
        where streams >= configuration.limits.streams || kept + bytes > configuration.limits.bytes {
            streams -= 1
            kept -= stream.cost
            chosen.append((stream.name, stream.birth))
        }
        guard streams < configuration.limits.streams, kept + bytes <= configuration.limits.bytes else { return }
        for (name, birth) in chosen { _ = try await remove(name, because: .expired, born: birth) }
    }

    /// What time it is for Redis, in milliseconds since 1970.
    func serverTime() async throws(StoreError) -> UInt64 {
        if let now { return now }
        guard let parts = try await reader.send([RedisCommand("TIME")], .reads).first?.elements, parts.count == 2,
            let seconds = parts[0].integer, let microseconds = parts[1].integer, seconds >= 0
        else { throw .damagedReply }
        return UInt64(seconds) * 1000 + UInt64(max(0, microseconds)) / 1000
    }
}

/// When all streams may be looked at again for those that ended.
@available(freshet 0.1, *)
struct EndedScan {
    private var began: Duration?
    private var next: Duration?

    /// One at a time, and no more than a tenth of the time.
    mutating func begin(at now: Duration) -> Bool {
        if began != nil { return false }
        if let next, now < next { return false }
        began = now
        return true
    }

    mutating func finish(at now: Duration) {
        if let began { next = now + (now - began) * 9 }
        began = nil
    }
}
