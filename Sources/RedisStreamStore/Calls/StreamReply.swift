import StreamCore

/// What `info` and those that reply likewise say of a stream.
@available(freshet 0.1, *)
struct StreamReply {
    var info: StreamInfo
    /// What it was created with: a lease may have been changed since.
    var createdWith: StreamOptions
    /// What is there and not yet durable: the mark that confirms it.
    var lag: Offset?
    var silentFor: Duration
    var unusedFor: Duration
    /// Claims that stand, and of which kind each is, as the functions have it.
    var claims: [(claim: StreamClaim, kind: String)]
    var indexVersion: String
    /// Where it begins: its birth; for a fork where its source begins, since they share their offsets.
    var origin: Offset
    /// For how much longer it does not expire, because of who is attached to it.
    var held: Duration
    /// What tells two forks of one name apart.
    var nonce: String?

    /// What it counts against the bound on bytes, without its producers.
    var cost: Int { StoreLimits.cost(events: info.events, bytes: info.bytes, producers: 0) }

    init(_ reply: Reply, of name: StreamName) throws(ReplyDamage) {
        let options = try StreamOptions(blob: try reply.bytes(7))
        createdWith = options
        var current = options
        current.leaseSeconds = try reply.optionalInteger(8)
        let origin = try reply.bytes(9)
        info = StreamInfo(
            name: name,
            options: current,
            birth: try reply.offset(1),
            floor: try reply.offset(2),
            tail: try reply.offset(3),
            end: try reply.end(4),
            events: try reply.integer(5),
            bytes: try reply.integer(6),
            forkedFrom: nil
        )
        if !origin.isEmpty { (info.forkedFrom, nonce) = try ForkOrigin.read(origin) }
        lag = try reply.optionalOffset(10)
        silentFor = .milliseconds(try reply.integer(12))
        unusedFor = .milliseconds(try reply.integer(13))
        claims = try stride(from: 0, to: try reply.list(14).count, by: 2).map { (index) throws(ReplyDamage) in
            let list = try reply.list(14)
            guard let claim = list[index].text.flatMap({ StreamClaim($0) }), index + 1 < list.count,
                let kind = list[index + 1].text
            else { throw ReplyDamage() }
            return (claim, kind)
        }
        indexVersion = try reply.text(16)
        self.origin = try reply.offset(17)
        held = .milliseconds(try reply.integer(18))
    }
}
