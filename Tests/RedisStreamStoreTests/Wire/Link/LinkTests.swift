import Foundation
import Locks
import Testing

@testable import RedisStreamStore

@Suite("A link to Redis", .timeLimit(.minutes(5)))
struct LinkTests {
    /// What a link has told of itself.
    enum Told: Hashable, Sendable {
        case up(RedisSession)
        case down(RedisTrouble.Kind)

        var isUp: Bool { if case .up = self { true } else { false } }
    }

    /// Bounds in which a test ends soon. A busy machine may need more than once: then it is tried again.
    private func quick(_ url: RedisURL) -> RedisConfiguration {
        var configuration = RedisConfiguration(url)
        configuration.silenceTimeout = .milliseconds(400)
        configuration.pingInterval = .milliseconds(100)
        configuration.longestBackOff = .milliseconds(200)
        return configuration
    }

    private func patient(_ url: RedisURL) -> RedisConfiguration {
        var configuration = RedisConfiguration(url)
        configuration.connectTimeout = .seconds(30)
        configuration.handshakeTimeout = .seconds(30)
        configuration.replyTimeout = .seconds(60)
        configuration.silenceTimeout = .seconds(60)
        configuration.longestBackOff = .milliseconds(200)
        return configuration
    }

    private func link(_ configuration: RedisConfiguration) -> (RedisLink, Recorder<Told>) {
        let told = Recorder<Told>()
        let link = RedisLink(
            configuration,
            onUp: { told.note(.up($0)) },
            onDown: { told.note(.down($0.kind)) }
        )
        return (link, told)
    }

    /// Why the first attempt failed; nil when it did not.
    private func firstTrouble(_ configuration: RedisConfiguration) async -> RedisTrouble? {
        let (link, _) = link(configuration)
        while true {
            switch link.state {
            case .down(nil): await Task.yield()
            case .down(let trouble?):
                await link.close()
                return trouble
            case .up:
                let value = try? await link.send(words("ECHO", String(repeating: "x", count: 100_000)))
                #expect(value?.bytes?.count == 100_000)
                await link.close()
                return nil
            case .closed: return nil
            }
        }
    }

    private func words(_ words: String...) -> RedisCommand { RedisCommand(words) }

    private func text(_ value: RESPValue) -> String? { value.text }

    @Test("says what Redis it is up with, and sends commands whose replies come in order")
    func commands() async throws {
        let redis = try await RedisProcess.start()
        var configuration = patient(try redis.url)
        configuration.clientName = "tester"
        configuration.url.database = 3
        let (link, told) = link(configuration)
        let session = try await link.up(within: .seconds(60))
        #expect(session.generation == 1 && session.runID.utf8.count == 40 && session.version.hasPrefix("7."))
        #expect(link.session == session)
        await told.wait(for: 1)
        #expect(told.elements == [.up(session)])

        #expect(try await link.send(words("SET", "a", "1")) == .simple(Array("OK".utf8)))
        let info = try await link.send(words("CLIENT", "INFO"))
        #expect(info.text?.contains("name=tester") == true && info.text?.contains("db=3") == true)
        #expect(info.text?.contains("resp=3") == true)
        // What has not the form that is expected is an error of that command alone.
        await #expect(
            throws: RedisFailure.refused(RESPError(code: "ERR", message: "value is not an integer or out of range"))
        ) {
            _ = try await link.send(words("INCRBY", "a", "x"))
        }
        let replies = await link.pipeline(
            (0..<1000).map { words("SET", "k\($0)", "v\($0)") } + [words("NO"), words("DBSIZE")]
        )
        #expect(replies.count == 1002 && (try? replies[1001].get()) == .integer(1001))
        guard case .failure(.refused(let error)) = replies[1000] else {
            Issue.record("an unknown command is no failure")
            return
        }
        #expect(error.code == "ERR")
        #expect(await link.pipeline([]).isEmpty)

        // A thousand at once from any thread.
        let values = Recorder<RESPValue?>()
        for number in 0..<1000 { link.begin(words("ECHO", "\(number)")) { values.note(try? $0.get()) } }
        await values.wait(for: 1000)
        #expect(values.elements.map { $0?.text } == (0..<1000).map { "\($0)" })
        while link.bytesInFlight != 0 { await Task.yield() }
        await link.close()
        #expect(told.elements.last == .down(.stopped) && link.session == nil)
    }

    @Test("carries any bytes, small and large")
    func bytes() async throws {
        let redis = try await RedisProcess.start()
        let (link, _) = link(patient(try redis.url))
        _ = try await link.up(within: .seconds(60))
        for size in [0, 1, 255, 16 << 10, 70_000, 3 << 20] {
            let value = (0..<size).map { UInt8(truncatingIfNeeded: $0 &* 7 &+ $0 >> 8) }
            var set = RedisCommand("SET")
            set.add([0, 13, 10, 36])
            set.add(value)
            var get = RedisCommand("GET")
            get.add([0, 13, 10, 36])
            let replies = await link.pipeline([set, get, words("PING")])
            #expect(try replies[1].get() == .bulk(value))
            #expect(try replies[2].get() == .simple(Array("PONG".utf8)))
        }
        await link.close()
    }

    @Test("speaks as the user with the password, and says when they are not taken")
    func credentials() async throws {
        let redis = try await RedisProcess.start([
            "--requirepass", "the word", "--user", "me", "on", ">other", "~*", "&*", "+@all",
        ])
        func trouble(_ userInfo: String) async throws -> RedisTrouble? {
            await firstTrouble(patient(try RedisURL("redis://\(userInfo)127.0.0.1:\(redis.port)")))
        }
        #expect(try await trouble(":the%20word@") == nil)
        #expect(try await trouble("default:the%20word@") == nil)
        #expect(try await trouble("me:other@") == nil)
        for wrong in ["", ":secret@", "me:secret@", "nobody:secret@"] {
            let trouble = try #require(try await trouble(wrong))
            #expect(trouble.kind == .credentials && trouble.isPermanent && !trouble.description.contains("secret"))
        }
    }

    @Test("refuses a replica, a database that is not there, and nobody at all")
    func refusals() async throws {
        let replica = try await RedisProcess.start(["--replicaof", "127.0.0.1 1"])
        let trouble = await firstTrouble(patient(try replica.url))
        // A replica may become the master: it is waited for.
        #expect([.notMaster, .loading].contains(trouble?.kind) && trouble?.isPermanent == false)
        var configuration = patient(try replica.url)
        configuration.url.database = 99
        // Redis looks at the number before it looks at itself.
        #expect(await firstTrouble(configuration)?.kind == .database)
        await replica.end()
        let none = await firstTrouble(patient(try replica.url))
        #expect(none?.kind == .connect && none?.description.contains("refused") == true, "\(String(describing: none))")
    }

    @Test("comes up again after its connection was killed, with what was sent lost or answered")
    func killed() async throws {
        let redis = try await RedisProcess.start()
        let (link, told) = link(patient(try redis.url))
        let (killer, _) = self.link(patient(try redis.url))
        _ = try await killer.up(within: .seconds(60))
        let first = try await link.up(within: .seconds(60))
        for round in 1...3 {
            // Redis holds this one until it is killed.
            let held = Recorder<Result<RESPValue, RedisFailure>>()
            link.begin(words("BLPOP", "nothing", "0")) { held.note($0) }
            while try await killer.send(words("CLIENT", "LIST")).text?.contains("cmd=blpop") != true {}
            #expect(try await killer.send(words("CLIENT", "KILL", "SKIPME", "yes", "TYPE", "normal")).integer ?? 0 >= 1)
            let lost = await held.wait(for: 1)
            guard case .failure(.lost) = lost[0] else {
                Issue.record("\(lost)")
                return
            }
            await told.wait { $0.count(where: \.isUp) == round + 1 }
        }
        let sessions: [RedisSession] = told.elements.compactMap {
            if case .up(let session) = $0 { session } else { nil }
        }
        #expect(sessions.map(\.generation) == [1, 2, 3, 4] && sessions.allSatisfy { $0.runID == first.runID })
        #expect(zip(sessions, sessions.dropFirst()).allSatisfy { $0.since < $1.since })
        #expect(told.elements.map(\.isUp) == [true, false, true, false, true, false, true], "each loss is told once")
        while link.bytesInFlight != 0 { await Task.yield() }
        await link.close()
        await killer.close()
    }

    @Test("refuses commands at once while Redis is away, and knows the one that comes back from the one that was there")
    func away() async throws {
        let redis = try await RedisProcess.start()
        let (link, told) = link(patient(try redis.url))
        let first = try await link.up(within: .seconds(60))
        await redis.end()
        await told.wait(for: 2)
        let refused = Mutex<Result<RESPValue, RedisFailure>?>(nil)
        link.begin(words("PING")) { result in refused.withLock { $0 = result } }
        guard case .failure(.notSent) = refused.withLock({ $0 }) else {
            Issue.record("it is not refused inside of the call")
            return
        }
        let pipeline = await link.pipeline([words("PING"), words("PING")])
        #expect(pipeline.count == 2 && pipeline.allSatisfy { if case .failure(.notSent) = $0 { true } else { false } })
        let again = try await redis.restarted()
        let second = try await link.up(within: .seconds(60))
        #expect(second.generation == 2 && second.runID != first.runID)
        #expect(try await link.send(words("PING")) == .simple(Array("PONG".utf8)))
        await link.close()
        await again.end()
    }

    @Test("gives a Redis up that stands still, and takes it again when it goes on")
    func standsStill() async throws {
        let redis = try await RedisProcess.start()
        let (link, told) = link(quick(try redis.url))
        _ = try await link.up(within: .seconds(60))
        redis.signal(SIGSTOP)
        // Nothing is asked: it is found by PING.
        await told.wait { $0.last == .down(.timeout) }
        redis.signal(SIGCONT)
        await told.wait { $0.last?.isUp == true && $0.count >= 3 }
        // And when something is asked, that is lost.
        while true {
            redis.signal(SIGSTOP)
            let result = await link.pipeline([words("PING")])[0]
            redis.signal(SIGCONT)
            if case .failure(.lost) = result { break }
            // The machine was slow, and the link had given it up before.
            _ = try await link.up(within: .seconds(60))
        }
        await link.close()
    }

    @Test("leaves a master that became a replica, when what was asked has its answer")
    func demoted() async throws {
        let redis = try await RedisProcess.start()
        let (link, told) = link(patient(try redis.url))
        _ = try await link.up(within: .seconds(60))
        let replies = await link.pipeline([
            words("REPLICAOF", "127.0.0.1", "1"), words("SET", "a", "b"), words("GET", "a"), words("ROLE"),
        ])
        #expect(try replies[0].get() == .simple(Array("OK".utf8)))
        guard case .failure(.refused(let error)) = replies[1] else {
            Issue.record("\(replies[1])")
            return
        }
        #expect(error.code == "READONLY" && (try? replies[2].get()) == .null)
        #expect(try replies[3].get().elements?.first?.text == "slave")
        await told.wait { $0.last == .down(.notMaster) }
        let refused = await link.pipeline([words("PING")])[0]
        guard case .failure(.notSent) = refused else {
            Issue.record("\(refused)")
            return
        }
        await link.close()
    }

    @Test("speaks TLS with who has a certificate of an authority that it trusts, for the host that it asked for")
    func tls() async throws {
        let directory = TemporaryDirectory()
        try await Certificates.make(in: directory)
        let redis = try await RedisProcess.start(in: directory, secure: true)
        let plain = try await RedisProcess.start()
        func outcome(_ url: String) async throws -> RedisTrouble? {
            var configuration = patient(try RedisURL(url))
            // Who speaks clear text waits for the end of a line.
            if url.hasPrefix("rediss://127.0.0.1:\(plain.port)") { configuration.handshakeTimeout = .milliseconds(300) }
            return await firstTrouble(configuration)
        }
        let ca = "?ca=" + directory.file("ca.crt")
        #expect(try await outcome("rediss://127.0.0.1:\(redis.port)\(ca)") == nil)
        #expect(try await outcome("rediss://localhost:\(redis.port)\(ca)") == nil)
        let stranger = try await outcome("rediss://127.0.0.1:\(redis.port)")
        #expect(
            stranger?.kind == .tls && stranger?.description.contains("trusts") == true,
            "\(String(describing: stranger))"
        )
        let other = try await outcome("rediss://127.0.0.1:\(redis.port)?ca=" + directory.file("other.crt"))
        #expect(other?.kind == .tls, "\(String(describing: other))")
        let missing = try await outcome("rediss://127.0.0.1:\(redis.port)?ca=" + directory.file("none.crt"))
        #expect(missing?.kind == .tls && missing?.description.contains("none.crt") == true)
        // The wrong scheme, either way.
        let clear = try await outcome("redis://127.0.0.1:\(redis.port)")
        #expect(clear?.description.contains("rediss://") == true, "\(String(describing: clear))")
        let secure = try await outcome("rediss://127.0.0.1:\(plain.port)\(ca)")
        #expect(secure?.description.contains("redis://") == true, "\(String(describing: secure))")
    }

    @Test("loads on each connection what it was told to, before it is up")
    func setup() async throws {
        let redis = try await RedisProcess.start()
        let library = "#!lua name=t\nredis.register_function('answer', function() return 42 end)"
        let runs = Recorder<Bool>()
        let link = RedisLink(
            patient(try redis.url),
            setup: { commands in
                // The first time it fails, which is no reason never to try again.
                if runs.elements.isEmpty {
                    runs.note(false)
                    _ = try await commands.send(RedisCommand(["NO", "SUCH"]))
                }
                let loaded = await commands.pipeline([
                    RedisCommand(["FUNCTION", "FLUSH"]), RedisCommand(["FUNCTION", "LOAD", library]),
                ])
                for reply in loaded { _ = try reply.get() }
                runs.note(true)
            }
        )
        await runs.wait { $0.count == 2 }
        _ = try await link.up(within: .seconds(60))
        #expect(try await link.send(words("FCALL", "answer", "0")) == .integer(42))
        await link.close()
    }

    @Test("is closed for ever, and tells who waits")
    func closed() async throws {
        let redis = try await RedisProcess.start()
        let (link, _) = link(patient(try redis.url))
        _ = try await link.up(within: .seconds(60))
        let held = Recorder<Result<RESPValue, RedisFailure>>()
        link.begin(words("BLPOP", "nothing", "0")) { held.note($0) }
        // What was sent before it is answered was sent.
        let (other, _) = self.link(patient(try redis.url))
        _ = try await other.up(within: .seconds(60))
        while try await other.send(words("CLIENT", "LIST")).text?.contains("cmd=blpop") != true {}
        await link.close()
        guard case .failure(.lost) = await held.wait(for: 1)[0] else {
            Issue.record("\(held.elements)")
            return
        }
        guard case .failure(.notSent) = await link.pipeline([words("PING")])[0], link.state == .closed else {
            Issue.record("a closed link takes commands")
            return
        }
        let trouble = await #expect(throws: RedisTrouble.self) { _ = try await link.up(within: .seconds(60)) }
        #expect(trouble?.kind == .stopped)
        await link.close()
        while try await other.send(words("CLIENT", "LIST")).text?.contains("cmd=blpop") == true {}
        await other.close()
    }
}
