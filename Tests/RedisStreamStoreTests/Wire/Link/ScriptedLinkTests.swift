import Locks
import NIOCore
import Testing

@testable import RedisStreamStore

@Suite("A link to something that is no Redis as it should be", .timeLimit(.minutes(5)))
struct ScriptedLinkTests {
    private func configuration(_ server: ScriptedRedis) throws -> RedisConfiguration {
        var configuration = RedisConfiguration(try server.url)
        configuration.connectTimeout = .seconds(30)
        configuration.handshakeTimeout = .seconds(30)
        configuration.setupTimeout = .seconds(30)
        configuration.replyTimeout = .seconds(60)
        configuration.silenceTimeout = .seconds(60)
        configuration.pingInterval = .seconds(60)
        configuration.longestBackOff = .milliseconds(100)
        return configuration
    }

    /// The troubles of the attempts, as the state shows them; each attempt has a connection.
    private func trouble(of link: RedisLink) async -> RedisTrouble? {
        while true {
            switch link.state {
            case .down(nil): await Task.yield()
            case .down(let trouble): return trouble
            case .up, .closed: return nil
            }
        }
    }

    private static func greeting(_ command: ScriptedRedis.Command) -> ScriptedRedis.Answer {
        ScriptedRedis.greeting(command).map { .text($0) } ?? .nothing
    }

    @Test("reads a greeting that comes byte by byte")
    func bytewise() async throws {
        try await ScriptedRedis.run { command in
            ScriptedRedis.greeting(command).map { .bytewise($0) } ?? .bytewise(":42\r\n")
        } _: { server in
            let link = RedisLink(try configuration(server))
            #expect(try await link.up(within: .seconds(60)).runID == "abc0")
            #expect(try await link.send(RedisCommand(["X"])) == .integer(42))
            await link.close()
        }
    }

    @Test(
        "gives up what does not greet, wherever it fails, and tries again",
        arguments: ["HELLO", "ROLE", "INFO", "PING"],
        ["", "x", "+", "$100\r\nhalf", "HTTP/1.1 400 Bad Request\r\n\r\n", "*100000000\r\n", "\u{15}\u{3}", "silence"]
    )
    func noGreeting(_ step: String, _ answer: String) async throws {
        let isMended = Mutex(false)
        try await ScriptedRedis.run { command in
            if isMended.withLock({ $0 }) { return Self.greeting(command) }
            // Whoever is silent stays so.
            let steps = ["HELLO", "ROLE", "INFO", "PING"]
            if answer == "silence", steps.firstIndex(of: command.name) ?? 0 > steps.firstIndex(of: step) ?? 0 {
                return .nothing
            }
            guard command.name == step else { return Self.greeting(command) }
            return answer == "silence" ? .nothing : .last(answer)
        } _: { server in
            var configuration = try configuration(server)
            if answer == "silence" { configuration.handshakeTimeout = .milliseconds(100) }
            let told = Recorder<RedisTrouble>()
            let link = RedisLink(configuration, onDown: { told.note($0) })
            let trouble = try #require(await trouble(of: link))
            #expect([.closed, .malformed, .timeout].contains(trouble.kind), "\(trouble)")
            if answer == "silence" { #expect(trouble.kind == .timeout) }
            isMended.withLock { $0 = true }
            while (try? await link.up(within: .seconds(10))) == nil {}
            #expect(told.elements.isEmpty, "what was never up does not go down")
            await link.close()
        }
    }

    @Test("waits for a Redis that loads its data")
    func loading() async throws {
        try await ScriptedRedis.run { command in
            command.name == "PING" && command.connection < 3
                ? .text("-LOADING Redis is loading the dataset in memory\r\n") : Self.greeting(command)
        } _: { server in
            let link = RedisLink(try configuration(server))
            #expect(try await link.up(within: .seconds(60)).runID == "abc3")
            await link.close()
        }
    }

    @Test("tells at once of what waiting does not mend")
    func permanent() async throws {
        try await ScriptedRedis.run { command in
            command.name == "INFO"
                ? .text(ScriptedRedis.greeting(command, version: "6.2.7") ?? "") : Self.greeting(command)
        } _: { server in
            let link = RedisLink(try configuration(server))
            let trouble = await #expect(throws: RedisTrouble.self) { _ = try await link.up(within: .seconds(600)) }
            #expect(trouble?.kind == .version && trouble?.description.contains("6.2.7") == true)
            await link.close()
        }
    }

    @Test("has lost what was sent when the connection is cut in the middle of a reply")
    func cut() async throws {
        try await ScriptedRedis.run { command in
            if let greeting = ScriptedRedis.greeting(command) { return .text(greeting) }
            return command.words[1] == "2" ? .last("$100\r\nhalf") : .text("$1\r\n" + command.words[1] + "\r\n")
        } _: { server in
            let link = RedisLink(try configuration(server))
            _ = try await link.up(within: .seconds(60))
            let results = await link.pipeline((0..<5).map { RedisCommand(["X", "\($0)"]) })
            #expect(results.prefix(2).map { try? $0.get().text } == ["0", "1"])
            for result in results.dropFirst(2) {
                guard case .failure(.lost) = result else {
                    Issue.record("\(result)")
                    continue
                }
            }
            #expect(try await link.up(within: .seconds(60)).generation == 2)
            await link.close()
        }
    }

    @Test(
        "gives up who answers what was not asked, or cannot be read",
        arguments: [":1\r\n", "x", "-ERR nobody asked\r\n", "*99999999\r\n", "$99999999999\r\n", "*1\r\n>0\r\n"]
    )
    func unasked(_ text: String) async throws {
        try await ScriptedRedis.run(answer: Self.greeting) { server in
            let told = Recorder<RedisTrouble>()
            let link = RedisLink(try configuration(server), onDown: { told.note($0) })
            _ = try await link.up(within: .seconds(60))
            await server.push(text, to: 0)
            let trouble = await told.wait(for: 1)[0]
            #expect([.malformed, .refused].contains(trouble.kind), "\(trouble)")
            #expect(try await link.up(within: .seconds(60)).generation == 2)
            await link.close()
        }
    }

    @Test("sends what belongs to one connection over no other")
    func oneConnection() async throws {
        try await ScriptedRedis.run { command in
            ScriptedRedis.greeting(command).map { .text($0) } ?? .text("+OK\r\n")
        } _: { server in
            let link = RedisLink(try configuration(server))
            let first = try await link.up(within: .seconds(60)).generation
            await server.cut(0)
            while link.session?.generation ?? first == first { await Task.yield() }
            let told = Recorder<[Result<RESPValue, RedisFailure>]>()
            link.begin([RedisCommand("X"), RedisCommand("Y")], over: first) { told.note($0) }
            link.begin([RedisCommand("Z")], over: first + 1) { told.note($0) }
            let results = await told.wait(for: 2)
            for result in results[0] {
                guard case .failure(.notSent) = result else {
                    Issue.record("\(result)")
                    continue
                }
            }
            #expect(results[0].count == 2 && results[1].map { try? $0.get().text } == ["OK"])
            #expect(!server.commands.elements.contains { $0.name == "X" || $0.name == "Y" })
            await link.close()
        }
    }

    @Test("takes no push for a reply")
    func pushes() async throws {
        try await ScriptedRedis.run { command in
            if let greeting = ScriptedRedis.greeting(command) { return .text(">2\r\n+a\r\n:1\r\n" + greeting) }
            return .text(">1\r\n+invalidate\r\n:7\r\n>1\r\n_\r\n")
        } _: { server in
            let link = RedisLink(try configuration(server))
            _ = try await link.up(within: .seconds(60))
            let results = await link.pipeline([RedisCommand(["X"]), RedisCommand(["Y"])])
            #expect(results.map { try? $0.get() } == [.integer(7), .integer(7)])
            await link.close()
        }
    }

    @Test("gives up who does not answer one command, though it says other things all the time")
    func noReply() async throws {
        try await ScriptedRedis.run(answer: Self.greeting) { server in
            var configuration = try configuration(server)
            configuration.replyTimeout = .milliseconds(300)
            let link = RedisLink(configuration)
            _ = try await link.up(within: .seconds(60))
            let result = Recorder<Result<RESPValue, RedisFailure>>()
            link.begin(RedisCommand(["X"])) { result.note($0) }
            while result.elements.isEmpty { await server.push(">1\r\n+a\r\n", to: 0) }
            guard case .failure(.lost(let why)) = result.elements[0] else {
                Issue.record("\(result.elements)")
                return
            }
            #expect(why.contains("did not answer"))
            await link.close()
        }
    }

    @Test("pings who has nothing to say, and gives up who does not answer")
    func pings() async throws {
        try await ScriptedRedis.run { command in
            // One in the greeting, and two more.
            Self.greeting(command)
        } _: { server in
            var configuration = try configuration(server)
            configuration.pingInterval = .milliseconds(50)
            let link = RedisLink(configuration)
            await server.commands.wait { $0.count { $0.name == "PING" } >= 4 }
            #expect(link.session?.generation == 1)
            await link.close()
        }
        let isSilent = Mutex(false)
        try await ScriptedRedis.run { command in
            isSilent.withLock { $0 } ? .nothing : Self.greeting(command)
        } _: { server in
            var configuration = try configuration(server)
            configuration.pingInterval = .milliseconds(50)
            configuration.silenceTimeout = .milliseconds(200)
            let told = Recorder<RedisTrouble>()
            let link = RedisLink(configuration, onDown: { told.note($0) })
            _ = try await link.up(within: .seconds(60))
            isSilent.withLock { $0 = true }
            await told.wait { $0.contains { $0.kind == .timeout } }
            await link.close()
        }
    }

    @Test("refuses more than may be in flight, and takes more when there is room")
    func inFlight() async throws {
        try await ScriptedRedis.run(answer: Self.greeting) { server in
            var configuration = try configuration(server)
            configuration.inFlightBytes = 10_000
            let link = RedisLink(configuration)
            _ = try await link.up(within: .seconds(60))
            let results = Recorder<Result<RESPValue, RedisFailure>>()
            // One alone is taken however large it is.
            link.begin(RedisCommand(["X", String(repeating: "x", count: 20_000)])) { results.note($0) }
            link.begin(RedisCommand(["Y"])) { results.note($0) }
            guard case .failure(.notSent(let why)) = results.elements.first else {
                Issue.record("\(results.elements)")
                return
            }
            #expect(why.contains("too much"))
            await server.commands.wait { $0.contains { $0.name == "X" } }
            await server.push(":1\r\n", to: 0)
            await results.wait(for: 2)
            while link.bytesInFlight != 0 { await Task.yield() }
            link.begin(RedisCommand(["Y"])) { results.note($0) }
            await server.commands.wait { $0.contains { $0.name == "Y" } }
            await server.push(":2\r\n", to: 0)
            await results.wait(for: 3)
            #expect(results.elements.dropFirst().map { try? $0.get() } == [.integer(1), .integer(2)])
            while link.bytesInFlight != 0 { await Task.yield() }
            await link.close()
        }
    }

    @Test("gives up a connection that is not set up in its time, or is cut meanwhile")
    func setup() async throws {
        try await ScriptedRedis.run { command in
            if let greeting = ScriptedRedis.greeting(command) { return .text(greeting) }
            switch command.connection {
            case 0: return .nothing
            case 1: return .last("+O")
            default: return .text("+OK\r\n")
            }
        } _: { server in
            var configuration = try configuration(server)
            configuration.setupTimeout = .milliseconds(300)
            let outcomes = Recorder<String>()
            let link = RedisLink(
                configuration,
                setup: { commands in
                    do throws(RedisFailure) {
                        _ = try await commands.send(RedisCommand(["LOAD"]))
                        outcomes.note("done")
                    } catch {
                        outcomes.note(error.description)
                        throw error
                    }
                }
            )
            while (try? await link.up(within: .seconds(10))) == nil {}
            #expect(outcomes.elements.last == "done")
            // On a busy machine the time can be over, or the connection cut, before anything is sent.
            let failed = outcomes.elements.dropLast()
            #expect(
                failed.count >= 2 && failed.allSatisfy { $0.hasPrefix("no reply") || $0.hasPrefix("not sent: ") },
                "\(outcomes.elements)"
            )
            await link.close()
        }
    }

    @Test("can be closed at any moment, and leaves no connection behind")
    func closing() async throws {
        let steps = ["", "HELLO", "ROLE", "INFO", "PING", "X"]
        for step in steps {
            try await ScriptedRedis.run { command in
                command.name == step ? .nothing : Self.greeting(command)
            } _: { server in
                let setup: @Sendable (any RedisCommands) async throws -> Void = { commands in
                    if step == "X" { _ = try await commands.send(RedisCommand(["X"])) }
                }
                let link = RedisLink(try configuration(server), setup: setup)
                if !step.isEmpty { await server.commands.wait { $0.contains { $0.name == step } } }
                await link.close()
                #expect(link.state == .closed)
                for channel in server.connections.elements { try await channel.closeFuture.get() }
                guard case .failure(.notSent) = await link.pipeline([RedisCommand(["PING"])])[0] else {
                    Issue.record("a closed link takes commands")
                    return
                }
            }
        }
    }

    @Test("is told of what it sent, once, whatever happens to it")
    func once() async throws {
        // The server cuts every third connection after a few commands, while tasks send without pause.
        try await ScriptedRedis.run { command in
            if let greeting = ScriptedRedis.greeting(command) { return .text(greeting) }
            return Int.random(in: 0..<50) == 0
                ? .last("+OK\r") : .text("$\(command.words[1].utf8.count)\r\n\(command.words[1])\r\n")
        } _: { server in
            var configuration = try configuration(server)
            configuration.longestBackOff = .milliseconds(5)
            let link = RedisLink(configuration)
            _ = try await link.up(within: .seconds(60))
            let outcomes = await withTaskGroup(of: [String: Int].self) { group in
                for sender in 0..<8 {
                    group.addTask {
                        var outcomes: [String: Int] = [:]
                        for number in 0..<400 {
                            let word = "\(sender).\(number)"
                            do throws(RedisFailure) {
                                let reply = try await link.send(RedisCommand(["X", word]))
                                outcomes[reply.text == word ? "right" : "wrong", default: 0] += 1
                            } catch {
                                switch error {
                                case .lost: outcomes["lost", default: 0] += 1
                                case .notSent:
                                    outcomes["unsent", default: 0] += 1
                                    _ = try? await link.up(within: .seconds(10))
                                case .refused: outcomes["wrong", default: 0] += 1
                                }
                            }
                        }
                        return outcomes
                    }
                }
                return await group.reduce(into: [:]) { $0.merge($1, uniquingKeysWith: +) }
            }
            #expect(outcomes["wrong"] == nil, "\(outcomes)")
            #expect(outcomes.values.reduce(0, +) == 3200 && (outcomes["lost"] ?? 0) > 0, "\(outcomes)")
            // What Redis had is what was answered or lost.
            let had = server.commands.elements.count { $0.name == "X" }
            #expect(had <= (outcomes["right"] ?? 0) + (outcomes["lost"] ?? 0), "\(outcomes), \(had) came")
            while link.bytesInFlight != 0 { await Task.yield() }
            await link.close()
        }
    }
}
