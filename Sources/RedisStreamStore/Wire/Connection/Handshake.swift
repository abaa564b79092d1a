/// What is said on a new connection before it is used: who we are, what Redis is, and whether it is one that we can use.
///
/// All commands are sent at once, and the first reply that is not as it should be decides.
@available(freshet 0.1, *)
struct Handshake {
    struct Facts: Hashable {
        var runID: String
        var version: String
    }

    enum Action: Hashable {
        case wait
        case succeeded(Facts)
        case failed(RedisTrouble)
    }

    private enum Step {
        case hello, select, role, info, ping
    }

    /// `FUNCTION`, and `EXPIRE` and `XADD` as they are used.
    private static let leastMajorVersion = 7

    let commands: [RedisCommand]
    private let hasPassword: Bool
    private let database: Int
    /// Whether a sentinel said that it is the master.
    private let isNamed: Bool
    private var steps: ArraySlice<Step>
    private var facts = Facts(runID: "", version: "")

    init(_ url: RedisURL, clientName: String) {
        var hello = RedisCommand(["HELLO", "3"])
        if let password = url.password {
            hello.add("AUTH")
            hello.add(url.user ?? "default")
            hello.add(password)
        }
        hello.add("SETNAME")
        hello.add(clientName)
        let select = url.database == 0 ? [] : [RedisCommand(["SELECT", "\(url.database)"])]
        commands =
            [hello] + select
            // Whoever loads its data answers all but the last.
            + [RedisCommand(["ROLE"]), RedisCommand(["INFO", "server"]), RedisCommand(["PING"])]
        steps = select.isEmpty ? [.hello, .role, .info, .ping] : [.hello, .select, .role, .info, .ping]
        hasPassword = url.password != nil
        database = url.database
        isNamed = url.masterName != nil
    }

    mutating func received(_ reply: Result<RESPValue, RESPError>) -> Action {
        guard let step = steps.popFirst() else { return .wait }
        switch reply {
        case .failure(let error): return .failed(trouble(step, error))
        case .success(let value):
            if let trouble = check(step, value) { return .failed(trouble) }
            return steps.isEmpty ? .succeeded(facts) : .wait
        }
    }

    private mutating func check(_ step: Step, _ value: RESPValue) -> RedisTrouble? {
        switch step {
        case .hello:
            guard value["proto"]?.integer == 3 else {
                return RedisTrouble(.malformed, "what answers there is not Redis")
            }
        case .role:
            switch value.elements?.first?.text {
            case "master": break
            case "slave":
                let hint = isNamed ? "though a sentinel calls it the master" : "name its master"
                return RedisTrouble(.notMaster, "this Redis is a replica, which takes no writes: \(hint)")
            case "sentinel":
                return RedisTrouble(
                    .notMaster,
                    "this is a Redis Sentinel, which keeps no data: write redis-sentinel://HOST/MASTER-NAME"
                )
            default: return RedisTrouble(.malformed, "what answers there is not Redis: it has no role")
            }
        case .info: return read(value)
        case .select, .ping: break
        }
        return nil
    }

    private mutating func read(_ info: RESPValue) -> RedisTrouble? {
        var fields: [String: String] = [:]
        for line in (info.bytes ?? []).split(whereSeparator: { $0 == UInt8(ascii: "\r") || $0 == UInt8(ascii: "\n") }) {
            guard let colon = line.firstIndex(of: UInt8(ascii: ":")) else { continue }
            fields[String(decoding: line[..<colon], as: UTF8.self)] =
                String(decoding: line[(colon + 1)...], as: UTF8.self)
        }
        guard let runID = fields["run_id"], let version = fields["redis_version"], Self.isName(runID) else {
            return RedisTrouble(.malformed, "what answers there is not Redis: it does not say its version")
        }
        let major = version.split(separator: ".").first.flatMap { Int($0) }
        guard let major, major >= Self.leastMajorVersion, Self.isName(version) else {
            let shown = RedisTrouble.shown(version)
            return RedisTrouble(.version, "this Redis is \(shown); 7.0 or later is needed, or a Valkey")
        }
        if fields["redis_mode"] == "cluster" {
            return RedisTrouble(.cluster, "this Redis is a node of a Redis Cluster, which is not supported yet")
        }
        facts = Facts(runID: runID, version: version)
        return nil
    }

    /// Of what can be shown as it is.
    private static func isName(_ text: String) -> Bool {
        (1...64).contains(text.utf8.count) && text.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F }
    }

    private func trouble(_ step: Step, _ error: RESPError) -> RedisTrouble {
        // Who does not know the command repeats its arguments, and so the password.
        let said = step == .hello && hasPassword ? error.code : RedisTrouble.said(error)
        switch (error.code, step) {
        case ("NOAUTH", _): return RedisTrouble(.credentials, "this Redis asks for a password, and none is given")
        case ("WRONGPASS", _): return RedisTrouble(.credentials, "this Redis refuses the user or the password")
        case ("ERR", .hello) where hasPassword && error.message.utf8.starts(with: "AUTH".utf8):
            return RedisTrouble(.credentials, "this Redis refuses the password")
        case ("NOPERM", _):
            return RedisTrouble(.permission, "the user of this Redis may not do what is needed: \(said)")
        case ("NOPROTO", _): return RedisTrouble(.version, "this Redis does not speak RESP3; 7.0 or later is needed")
        case ("ERR", .hello) where error.message.utf8.starts(with: "unknown command".utf8):
            return RedisTrouble(.version, "this Redis knows no HELLO; 7.0 or later is needed, or a Valkey")
        case ("ERR", .select): return RedisTrouble(.database, "this Redis has no database \(database): \(said)")
        case ("LOADING", _): return RedisTrouble(.loading, "this Redis still loads its data")
        case ("MASTERDOWN", _):
            return RedisTrouble(.notMaster, "this Redis is a replica that has lost its master: name the master")
        default: return RedisTrouble(.refused, "this Redis refuses: \(said)")
        }
    }
}
