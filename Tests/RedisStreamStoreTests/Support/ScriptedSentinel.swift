@testable import RedisStreamStore

/// What a sentinel answers that knows the master `m`.
enum ScriptedSentinel {
    /// - Parameter port: of the master, on this machine; nil where it knows none.
    static func answer(_ command: ScriptedRedis.Command, master port: Int?, epoch: Int = 0) -> ScriptedRedis.Answer {
        guard command.name == "SENTINEL", command.words.count == 3 else {
            return .text(command.name == "AUTH" ? "+OK\r\n" : "-ERR unknown command\r\n")
        }
        guard command.words[2] == "m", let port else {
            return .text(command.words[1] == "MASTER" ? "-ERR No such master with that name\r\n" : "*-1\r\n")
        }
        let words =
            command.words[1] == "MASTER" ? ["name", "m", "config-epoch", "\(epoch)"] : ["127.0.0.1", "\(port)"]
        return .text("*\(words.count)\r\n" + words.map { "$\($0.utf8.count)\r\n\($0)\r\n" }.joined())
    }
}
