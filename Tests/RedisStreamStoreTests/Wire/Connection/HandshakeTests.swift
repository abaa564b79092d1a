import NIOCore
import Testing

@testable import RedisStreamStore

@Suite("The greeting of Redis")
struct HandshakeTests {
    private func words(_ command: RedisCommand) -> [String] {
        var buffer = ByteBuffer()
        buffer.writeCommand(command)
        var parser = RESPParser()
        var position = 0
        let value = buffer.withUnsafeReadableBytes { try? parser.next($0, &position) }
        return (value?.elements ?? []).map { $0.text ?? "" }
    }

    private func bulk(_ text: String) -> RESPValue { .bulk(Array(text.utf8)) }

    private func replies(
        info: String = "# Server\r\nredis_version:7.0.15\r\nrun_id:abc\r\n",
        role: RESPValue? = nil
    ) -> [Result<RESPValue, RESPError>] {
        [
            .success(.map([RESPPair(bulk("proto"), .integer(3))])),
            .success(role ?? .array([bulk("master"), .integer(0), .array([])])),
            .success(bulk(info)), .success(.simple(Array("PONG".utf8))),
        ]
    }

    private func outcome(
        _ replies: [Result<RESPValue, RESPError>],
        _ url: String = "redis://h"
    ) throws -> Handshake.Action {
        var handshake = Handshake(try RedisURL(url), clientName: "n")
        for reply in replies {
            let action = handshake.received(reply)
            if action != .wait { return action }
        }
        return .wait
    }

    private func trouble(at index: Int, _ code: String, _ message: String, _ url: String = "redis://h") throws
        -> RedisTrouble?
    {
        var replies = replies()
        replies[index] = .failure(RESPError(code: code, message: message))
        guard case .failed(let trouble) = try outcome(replies, url) else { return nil }
        return trouble
    }

    @Test("says who we are, and asks what Redis is")
    func commands() throws {
        let plain = Handshake(try RedisURL("redis://h"), clientName: "freshet")
        #expect(
            plain.commands.map(words) == [
                ["HELLO", "3", "SETNAME", "freshet"], ["ROLE"], ["INFO", "server"], ["PING"],
            ]
        )
        let full = Handshake(try RedisURL("redis://u:p@h/3"), clientName: "n")
        #expect(words(full.commands[0]) == ["HELLO", "3", "AUTH", "u", "p", "SETNAME", "n"])
        #expect(words(full.commands[1]) == ["SELECT", "3"])
        let password = Handshake(try RedisURL("redis://:p@h"), clientName: "n")
        #expect(words(password.commands[0]) == ["HELLO", "3", "AUTH", "default", "p", "SETNAME", "n"])
    }

    @Test("ends with what Redis is")
    func succeeds() throws {
        #expect(try outcome(replies()) == .succeeded(.init(runID: "abc", version: "7.0.15")))
        let valkey = "server_name:valkey\r\nvalkey_version:9.0.0\r\nredis_version:7.2.4\r\nrun_id:x:y\r\n"
        #expect(try outcome(replies(info: valkey)) == .succeeded(.init(runID: "x:y", version: "7.2.4")))
        #expect(try outcome(Array(replies().dropLast())) == .wait)
    }

    @Test("refuses what is not a master of a version that can be used")
    func refuses() throws {
        func kind(_ replies: [Result<RESPValue, RESPError>]) throws -> RedisTrouble.Kind? {
            guard case .failed(let trouble) = try outcome(replies) else { return nil }
            return trouble.kind
        }
        #expect(try kind(replies(role: .array([bulk("slave"), bulk("h"), .integer(1)]))) == .notMaster)
        #expect(try kind(replies(role: .array([bulk("sentinel"), .array([])]))) == .notMaster)
        #expect(try kind(replies(role: .null)) == .malformed)
        for version in ["6.2.14", "x", "", "-7"] {
            #expect(try kind(replies(info: "redis_version:\(version)\r\nrun_id:abc\r\n")) == .version, "\(version)")
        }
        #expect(try kind(replies(info: "redis_version:7.0.0\r\n")) == .malformed)
        #expect(try kind(replies(info: "run_id:abc\r\n")) == .malformed)
        #expect(try kind(replies(info: "redis_version:8.0.0\r\nrun_id:a\r\nredis_mode:cluster\r\n")) == .cluster)
        #expect(try kind([.success(.simple(Array("OK".utf8)))]) == .malformed)
    }

    @Test("says what an error means, and never the password")
    func errors() throws {
        #expect(try trouble(at: 0, "NOAUTH", "HELLO must be called…")?.kind == .credentials)
        #expect(try trouble(at: 0, "WRONGPASS", "invalid username-password pair")?.kind == .credentials)
        #expect(try trouble(at: 0, "NOPROTO", "unsupported protocol version")?.kind == .version)
        #expect(try trouble(at: 3, "LOADING", "Redis is loading the dataset in memory")?.kind == .loading)
        #expect(try trouble(at: 3, "MASTERDOWN", "Link with MASTER is down")?.kind == .notMaster)
        #expect(try trouble(at: 1, "NOPERM", "this user has no permissions to run 'role'")?.kind == .permission)
        #expect(try trouble(at: 0, "ERR", "max number of clients reached")?.description.contains("max number") == true)
        for message in ["unknown command `HELLO`, with args: `3`, `AUTH`, `u`, `secret`", "AUTH secret", "secret"] {
            let trouble = try #require(try trouble(at: 0, "ERR", message, "redis://u:secret@h"))
            #expect(!trouble.description.contains("secret"), "\(trouble)")
        }
        #expect(try trouble(at: 0, "ERR", "unknown command `HELLO`")?.kind == .version)
        var database = replies()
        database.insert(.failure(RESPError(code: "ERR", message: "DB index is out of range")), at: 1)
        guard case .failed(let trouble) = try outcome(database, "redis://h/99") else {
            Issue.record("it is no failure")
            return
        }
        #expect(trouble.kind == .database && trouble.isPermanent && trouble.description.contains("99"))
    }

    @Test("moves no cursor of who reads its trouble")
    func controls() throws {
        let long = String(repeating: "x", count: 10_000)
        let trouble = try #require(try trouble(at: 1, "ERR", "\u{1B}[31m\r\n" + long))
        #expect(!trouble.description.contains("\u{1B}") && trouble.description.utf8.count < 400)
    }
}
