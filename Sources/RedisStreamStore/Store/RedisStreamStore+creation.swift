package import StreamCore

/// Streams that come and go.
@available(freshet 0.1, *)
extension RedisStreamStore {
    package func create(_ name: StreamName, _ request: CreateRequest) async throws(StoreError) -> CreateOutcome {
        if let refused = try await refusal(of: request, for: name) { return refused }
        if let fork = request.fork { return try await self.fork(name, fork, request) }
        while true {
            let version = try await enter(name, request.options)
            let notice = notice(of: name, request.end)
            let entered = notice.map { _ in entering(name) }
            let suffixes = [":m", ":s", ":t"] + (notice == nil ? [] : [":o"])
            var call = function("freshet1_create", of: name, suffixes, reserving: 512 + request.events.size)
            call.addCreation(mode: callMode(notice), version: version, name, request.options, request.end)
            call.add(request.events, cut: configuration.runs)
            let reply = try await caller.call(call, .writes)
            let outcome = try await created(name, request, reply)
            await list(name, entered: entered)
            if let outcome { return outcome }
        }
    }

    /// What a create comes to in a full store, where nothing is entered that would be left over; nil where there is room.
    private func refusal(
        of request: CreateRequest,
        for name: StreamName
    ) async throws(StoreError) -> CreateOutcome? {
        let isBelowStreams = count.usage.streams < configuration.limits.streams
        if isBelowStreams, fits(StoreLimits.streamOverhead + StoreLimits.cost(of: request.events)) { return nil }
        switch try await standing(of: name) {
        case .there(let stream):
            return CreateOutcome(stream.info, askedFor: request, createdWith: stream.createdWith)
        case .gone: return .gone
        case .none, .pending: throw .full(isBelowStreams ? .bytes : .streams)
        }
    }

    /// Enters the name where it is listed, and when something is due, before there is a stream: one that was made halfway
    /// may be listed in vain, and none is ever forgotten.
    func enter(_ name: StreamName, _ options: StreamOptions) async throws(StoreError) -> Int {
        let index = keys.index(name.indexShard)
        var calls = [
            FunctionCall("freshet1_index_enter", keys: [index, index + ":v".utf8, index + ":n".utf8], at: now)
        ]
        calls[0].add(name.text)
        if let due = dueCall(name, options) { calls.append(due) }
        let replies = try await caller.call(calls, .writes)
        for reply in replies.dropFirst() { _ = try reply.get() }
        let reply = try replies[0].get()
        return try read { () throws(ReplyDamage) in try reply.integer(0) }
    }

    /// When something is first due for a stream that is created now; nil where nothing ever is.
    private func dueCall(_ name: StreamName, _ options: StreamOptions) -> FunctionCall? {
        var seconds = [options.leaseSeconds, options.retention.seconds].compactMap(\.self)
        var moment: UInt64?
        switch options.expiry {
        case .idle(let idle): seconds.append(idle)
        case .at(let wall): moment = wall
        case nil: break
        }
        guard !seconds.isEmpty || moment != nil else { return nil }
        return dueCall(name, after: seconds.min().map { .seconds($0) }, at: moment)
    }

    func dueCall(_ name: StreamName, after time: Duration?, at moment: UInt64? = nil) -> FunctionCall {
        let due = keys.due(name.dueShard)
        var call = FunctionCall("freshet1_due_enter", keys: [due, due + ":t".utf8], at: now)
        call.add(name.text)
        call.add(time.map { Int($0 / .milliseconds(1)) })
        call.add(moment.map { String($0) })
        return call
    }

    /// What a create came to; nil when it is to be tried again.
    func created(
        _ name: StreamName,
        _ request: CreateRequest,
        _ reply: Reply
    ) async throws(StoreError) -> CreateOutcome? {
        switch reply.word {
        case "late": return nil
        case "gone": return .gone
        case "created", "exists": break
        default: throw .damagedReply
        }
        let stream = try read { () throws(ReplyDamage) in try StreamReply(reply, of: name) }
        let isNew = reply.word == "created"
        if isNew { count.add(streams: 1, bytes: stream.cost) }
        if let lag = stream.lag { try await durable.cover(name, lag, over: reply.connection) }
        guard isNew else { return CreateOutcome(stream.info, askedFor: request, createdWith: stream.createdWith) }
        watchers.tell(name, news(of: stream.info, request))
        return .created(stream.info)
    }

    private func news(of info: StreamInfo, _ request: CreateRequest) -> [StreamNews] {
        let events = request.events
        var news = [StreamNews.created(birth: info.birth)]
        if request.fork == nil, info.floor == info.birth, info.birth.advanced(by: events.count) == info.tail {
            let commit = StreamNews.Commit(previous: info.birth, last: info.tail, end: info.end) {
                events.isEmpty ? [] : EventRun(events, from: info.birth.advanced(by: 1))
            }
            return events.isEmpty && info.end == nil ? news : news + [.committed(commit)]
        }
        // Who watches reads what a fork began with, and what retention left at once.
        if info.tail > info.birth { news.append(.grown(previous: info.birth, mark: info.tail)) }
        if let end = info.end {
            news.append(.committed(StreamNews.Commit(previous: info.tail, last: info.tail, end: end) { [] }))
        }
        if info.floor > info.birth { news.append(.trimmed(floor: info.floor)) }
        return news
    }

    package func remove(
        _ name: StreamName,
        because removal: Removal,
        born: Offset?
    ) async throws(StoreError) -> Offset? {
        let notice = removal == .expired ? notice(of: name) : nil
        let entered = notice.map { _ in entering(name) }
        var call = function("freshet1_remove", of: name, [":m", ":s", ":t"] + (notice == nil ? [] : [":o"]))
        call.add(removal.rawValue)
        call.add(born)
        if let notice { call.add(" " + notice.text) }
        let reply = try await caller.call(call, .writes)
        let birth = reply.word == "removed" ? try await removed(name, removal, reply) : nil
        await list(name, entered: entered)
        return birth
    }

    /// A stream is gone: tells of it, and takes its name from where it is listed. Returns its birth.
    func removed(_ name: StreamName, _ removal: Removal, _ reply: Reply) async throws(StoreError) -> Offset {
        let (birth, cost, version, origin) = try read { () throws(ReplyDamage) in
            let cost = StoreLimits.cost(
                events: try reply.integer(2),
                bytes: try reply.integer(3),
                producers: max(0, try reply.integer(4))
            )
            return (try reply.offset(1), cost, try reply.text(5), try reply.bytes(6))
        }
        count.add(streams: -1, bytes: -cost)
        watchers.tell(name, [.removed(removal, birth: birth, top: nil)])
        // It is gone, whatever comes of what follows: what is left over is found by whoever comes by it.
        do throws(StoreError) {
            try await drop(name, version: version)
            try await leave(origin, name)
        } catch {
            return birth
        }
        return birth
    }

    /// Takes a name from where it is listed, unless it was entered anew meanwhile.
    ///
    /// Returns whether it is listed no more.
    @discardableResult
    func drop(_ name: StreamName, version: String, age: Duration = .zero) async throws(StoreError) -> Bool {
        let index = keys.index(name.indexShard)
        var call = FunctionCall("freshet1_index_drop", keys: [index, index + ":v".utf8, index + ":n".utf8], at: now)
        call.add(name.text)
        call.add(version)
        call.add(Int(age / .milliseconds(1)))
        let reply = try await caller.call(call, .writes)
        return try read { () throws(ReplyDamage) in try reply.integer(0) } == 1
    }

    package func setLease(_ name: StreamName, seconds: Int) async throws(StoreError) -> Bool {
        while true {
            let entered = try await caller.call(dueCall(name, after: .seconds(seconds)), .writes)
            var call = function("freshet1_lease", of: name, [":m"])
            call.addNothing()
            call.add(seconds)
            // What was entered long ago may have been looked at already, when there was no such lease.
            call.add(try read { () throws(ReplyDamage) in try entered.integer(0) })
            switch try await caller.call(call, .writes).word {
            case "set": return true
            case "late": continue
            default: return false
            }
        }
    }
}

@available(freshet 0.1, *)
extension FunctionCall {
    /// What `create` and `fork` begin with.
    mutating func addCreation(
        mode: String,
        version: Int,
        _ name: StreamName,
        _ options: StreamOptions,
        _ end: EndRequest?
    ) {
        add(mode)
        add(version)
        add(options.contentType.essence)
        add(options.blob)
        add(options.retention.wire)
        add(options.leaseSeconds)
        switch options.expiry {
        case nil: addNothing()
        case .idle(let seconds): add("i\(seconds)")
        case .at(let moment): add("a\(moment)")
        }
        add(UInt64(name.counterBase))
        add(end)
    }
}

@available(freshet 0.1, *)
extension Retention {
    /// `<events>,<bytes>,<seconds>`; nothing where all is kept.
    var wire: String? {
        guard self != .everything else { return nil }
        return [events, bytes, seconds].map { $0.map { String($0) } ?? "" }.joined(separator: ",")
    }
}
