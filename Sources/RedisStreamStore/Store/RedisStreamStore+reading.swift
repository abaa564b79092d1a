package import StreamCore

/// What changes nothing.
@available(freshet 0.1, *)
extension RedisStreamStore {
    package func read(
        _ name: StreamName,
        from position: ReadPosition,
        limit: PageLimit
    ) async throws(StoreError) -> Page? {
        guard let runs = try await runs(name, from: position, limit: limit) else { return nil }
        noteRead(name, runs.options.expiry)
        return try read { () throws(ReplyDamage) in try runs.page(within: limit) }
    }

    /// What follows a position, as whole runs; nil where there is no such stream.
    func runs(
        _ name: StreamName,
        from position: ReadPosition,
        limit: PageLimit
    ) async throws(StoreError) -> PageReply? {
        var call = function("freshet1_read", of: name, [":m", ":s"], reading: true)
        switch position {
        case .start: call.add("start")
        case .now: call.add("now")
        case .after(let offset): call.add(offset)
        }
        call.add(max(1, limit.events))
        call.add(max(1, limit.bytes))
        let reply = try await reader.call(call, .reads)
        if reply.word == "pending" {
            let standing = try read { () throws(ReplyDamage) in try StreamStanding(reply, of: name) }
            if case .after = position { throw standing.unconfirmed(name) }
            _ = try standing.visible(name)
            return nil
        }
        guard reply.word == "page" else { return nil }
        return try read { () throws(ReplyDamage) in try PageReply(reply) }
    }

    package func info(_ name: StreamName) async throws(StoreError) -> StreamInfo? { try await stream(name)?.info }

    /// All that is said of a stream; nil where there is none.
    func stream(_ name: StreamName) async throws(StoreError) -> StreamReply? {
        try await standing(of: name).visible(name)
    }

    package func isSoftDeleted(_ name: StreamName) async throws(StoreError) -> Bool {
        if case .gone = try await standing(of: name) { true } else { false }
    }

    func standing(of name: StreamName) async throws(StoreError) -> StreamStanding {
        let reply = try await reader.call(infoCall(name), .reads)
        return try read { () throws(ReplyDamage) in try StreamStanding(reply, of: name) }
    }

    func infoCall(_ name: StreamName) -> FunctionCall {
        function("freshet1_info", of: name, [":m", ":s"], reading: true)
    }
}

/// What there is under a name.
@available(freshet 0.1, *)
enum StreamStanding {
    case none
    /// It was taken away, and has forks.
    case gone
    /// It was created, which is not durable yet: for readers there is none.
    case pending(mark: Offset, since: Duration)
    case there(StreamReply)

    init(_ reply: Reply, of name: StreamName) throws(ReplyDamage) {
        switch reply.word {
        case "none": self = .none
        case "gone": self = .gone
        case "pending": self = .pending(mark: try reply.offset(1), since: .milliseconds(try reply.integer(2)))
        case "stream": self = .there(try StreamReply(reply, of: name))
        default: throw ReplyDamage()
        }
    }

    var stream: StreamReply? { if case .there(let stream) = self { stream } else { nil } }

    /// How long a creation may take to be confirmed and be nobody's business. What is pending for longer may have been
    /// acknowledged at a master before this one, which had confirmed it: nobody may be told that it does not exist.
    private static let confirmation = Duration.seconds(1)

    /// The stream as readers may see it; nil where there is none.
    ///
    /// - Throws: `unavailable` where that is not known.
    func visible(_ name: StreamName) throws(StoreError) -> StreamReply? {
        if case .pending(_, let time) = self, time > Self.confirmation { throw unconfirmed(name) }
        return stream
    }

    func unconfirmed(_ name: StreamName) -> StoreError {
        .unavailable("The replicas of Redis have not confirmed yet that the stream \(name) was created.")
    }

    /// What is there and not durable yet.
    var lag: Offset? {
        switch self {
        case .none, .gone: nil
        case .pending(let mark, _): mark
        case .there(let stream): stream.lag
        }
    }
}
