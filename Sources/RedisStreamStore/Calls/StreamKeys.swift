import StreamCore

/// The names of keys and channels (section 2 of the contract of the functions).
///
/// All keys of a stream have its name in braces, so that Redis Cluster keeps them in one slot.
@available(freshet 0.1, *)
struct StreamKeys: Sendable {
    private let prefix: [UInt8]

    init(prefix: String) {
        self.prefix = Array(prefix.utf8)
    }

    /// What all keys of a stream begin with.
    func base(of name: StreamName) -> [UInt8] {
        var base: [UInt8] = []
        base.reserveCapacity(prefix.count + name.text.utf8.count + 10)
        base += prefix
        base.append(UInt8(ascii: "{"))
        for byte in name.text.utf8 {
            switch byte {
            case UInt8(ascii: "%"): base += "%25".utf8
            case UInt8(ascii: "{"): base += "%7B".utf8
            case UInt8(ascii: "}"): base += "%7D".utf8
            default: base.append(byte)
            }
        }
        base.append(UInt8(ascii: "}"))
        return base
    }

    func channel(of name: StreamName) -> [UInt8] { base(of: name) + ":c".utf8 }

    func index(_ shard: Int) -> [UInt8] { prefix + "{idx\(shard)}".utf8 }
    func due(_ shard: Int) -> [UInt8] { prefix + "{due\(shard)}".utf8 }
    /// Names of streams that hold what nobody confirmed yet.
    func unconfirmed(_ shard: Int) -> [UInt8] { prefix + "{lag\(shard)}".utf8 }
    var beats: [UInt8] { prefix + "{nodes}:beats".utf8 }
    var buried: [UInt8] { prefix + "{nodes}:buried".utf8 }
    /// How the nodes of sessions call themselves.
    var nodeNames: [UInt8] { prefix + "{nodes}:names".utf8 }
    /// What the nodes of sessions said of themselves, and when.
    var reports: [UInt8] { prefix + "{nodes}:reports".utf8 }
    func claims(of session: String) -> [UInt8] { prefix + "{nodes}:claims:\(session)".utf8 }
    var usage: [UInt8] { prefix + "{usage}".utf8 }
    /// Whatever is written there, it is written after what a stream holds by then.
    var written: [UInt8] { prefix + "{nodes}:written".utf8 }
    /// What session cookies are signed with, where no file says it.
    var sessionSecret: [UInt8] { prefix + "{session}:secret".utf8 }
    /// Entries that are listed, by their numbers.
    var outboxRows: [UInt8] { prefix + "{out}:rows".utf8 }
    /// What each of them counts, and all do.
    var outboxCosts: [UInt8] { prefix + "{out}:costs".utf8 }
    /// Those of them that nobody tries to tell any more.
    var outboxFailed: [UInt8] { prefix + "{out}:failed".utf8 }
    /// Those of them that somebody wants told now.
    var outboxAgain: [UInt8] { prefix + "{out}:again".utf8 }
    /// Names of streams beside which there may be entries that are not listed.
    var outboxEntered: [UInt8] { prefix + "{out}:entered".utf8 }
    /// The session that tells.
    var outboxLeader: [UInt8] { prefix + "{out}:leader".utf8 }
    var probe: [UInt8] { prefix + "{probe}".utf8 }

    static let indexShards = 64
    static let dueShards = 16
    static let unconfirmedShards = 4
}

@available(freshet 0.1, *)
extension StreamName {
    /// FNV-1a: every node puts a name on the same shard, of whatever version it is.
    var shardHash: UInt32 {
        var hash: UInt32 = 2_166_136_261
        for byte in text.utf8 { hash = (hash ^ UInt32(byte)) &* 16_777_619 }
        return hash
    }

    var indexShard: Int { Int(shardHash % UInt32(StreamKeys.indexShards)) }
    var dueShard: Int { Int(shardHash % UInt32(StreamKeys.dueShards)) }
    var unconfirmedShard: Int { Int(shardHash % UInt32(StreamKeys.unconfirmedShards)) }

    /// Where the counter of a stream's offsets begins in a millisecond: so that an offset of one stream is not taken for one
    /// of another, which may have been given in the same millisecond.
    var counterBase: UInt32 { shardHash & 0x7F_FFFF }
}
