/// What a sentinel says of a master.
@available(freshet 0.1, *)
struct SentinelAnswer: Hashable, Sendable {
    var master: RedisEndpoint
    /// Of the configuration that made it the master (`config-epoch`). Each failover has a higher one, so that of two sentinels
    /// that disagree the one with the higher epoch knows more.
    var epoch: Int64

    init(master: RedisEndpoint, epoch: Int64) {
        self.master = master
        self.epoch = epoch
    }

    /// Reads the replies to `SENTINEL MASTER` and `SENTINEL GET-MASTER-ADDR-BY-NAME`, sent together. The second names the
    /// replica that a failover has promoted a second before the first does, and has no epoch.
    init(
        _ description: Result<RESPValue, RESPError>,
        _ address: Result<RESPValue, RESPError>,
        of name: String
    ) throws(RedisTrouble) {
        let unknown = RedisTrouble(.masterName, "it knows no master named \(name)")
        let values: (RESPValue, RESPValue)
        do throws(RESPError) {
            values = (try description.get(), try address.get())
        } catch {
            if error.message.utf8.starts(with: "No such master".utf8) { throw unknown }
            throw .ofSentinel(error)
        }
        if values.1.isNull { throw unknown }
        guard let epoch = values.0["config-epoch"]?.integer, let pair = values.1.elements, pair.count == 2,
            let host = pair[0].text, !host.isEmpty, host.utf8.allSatisfy(RedisEndpoint.isOfAddress),
            let port = pair[1].integer, (1...65535).contains(port)
        else { throw RedisTrouble(.malformed, "it does not answer as a sentinel does") }
        self.init(master: RedisEndpoint(host: host, port: Int(port)), epoch: epoch)
    }
}

@available(freshet 0.1, *)
extension RedisTrouble {
    /// An error that a sentinel answers.
    static func ofSentinel(_ error: RESPError) -> RedisTrouble {
        switch error.code {
        case "NOAUTH": RedisTrouble(.credentials, "it asks for a password, and none is given for the sentinels")
        case "WRONGPASS": RedisTrouble(.credentials, "it refuses the user or the password for the sentinels")
        case "NOPERM":
            RedisTrouble(.permission, "it does not allow SENTINEL MASTER and SENTINEL GET-MASTER-ADDR-BY-NAME")
        case "ERR" where error.message.utf8.starts(with: "unknown command".utf8):
            RedisTrouble(.malformed, "it is no sentinel, but a Redis")
        case "ERR" where error.message.utf8.starts(with: "AUTH".utf8):
            RedisTrouble(.credentials, "it has no password, and one is given for the sentinels")
        default: RedisTrouble(.refused, "it refuses: \(said(error))")
        }
    }
}
