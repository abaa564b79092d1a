import Locks
import NIOCore
import NIOPosix
import Testing

@testable import RedisStreamStore

@Suite("A link that asks sentinels", .timeLimit(.minutes(5)))
struct SentinelLinkTests {
    private func configuration(_ sentinels: [ScriptedRedis], _ query: String = "") throws -> RedisConfiguration {
        let hosts = sentinels.map { "127.0.0.1:\($0.port)" }.joined(separator: ",")
        var configuration = RedisConfiguration(try RedisURL("redis-sentinel://\(hosts)/m\(query)"))
        configuration.connectTimeout = .seconds(30)
        configuration.handshakeTimeout = .seconds(30)
        configuration.replyTimeout = .seconds(60)
        configuration.silenceTimeout = .seconds(60)
        configuration.pingInterval = .seconds(60)
        configuration.longestBackOff = .milliseconds(100)
        configuration.sentinelInterval = .seconds(3600)
        return configuration
    }

    private static func greet(_ command: ScriptedRedis.Command) -> ScriptedRedis.Answer {
        ScriptedRedis.greeting(command).map { .text($0) } ?? .text("+\(command.name)\r\n")
    }

    /// A Redis that is a master, for the duration of `body`.
    private func master<Result>(_ body: (ScriptedRedis) async throws -> Result) async throws -> Result {
        try await ScriptedRedis.run(answer: Self.greet, body)
    }

    private func sentinel<Result>(
        _ answer: @escaping @Sendable (ScriptedRedis.Command) -> ScriptedRedis.Answer,
        _ body: (ScriptedRedis) async throws -> Result
    ) async throws -> Result {
        try await ScriptedRedis.run(answer: answer, body)
    }

    /// The first trouble of a link that does not come up.
    private func trouble(_ configuration: RedisConfiguration) async -> RedisTrouble? {
        let link = RedisLink(configuration)
        defer { Task { await link.close() } }
        while true {
            switch link.state {
            case .down(nil): await Task.yield()
            case .down(let trouble): return trouble
            case .up, .closed: return nil
            }
        }
    }

    @Test("passes over those that go away or know nothing, and asks the one that answered first the next time")
    func inTurn() async throws {
        try await master { master in
            try await sentinel({ _ in .last("") }) { leaving in
                try await sentinel({ ScriptedSentinel.answer($0, master: nil) }) { ignorant in
                    try await sentinel({ ScriptedSentinel.answer($0, master: master.port) }) { right in
                        let link = RedisLink(try configuration([leaving, ignorant, right]))
                        let session = try await link.up(within: .seconds(60))
                        #expect(session.endpoint == RedisEndpoint(host: "127.0.0.1", port: master.port))
                        #expect(try await link.send(RedisCommand(["X"])).text == "X")
                        let asked = [leaving, ignorant].map(\.commands.elements.count)
                        #expect(asked.allSatisfy { $0 > 0 })
                        await master.cut(0)
                        while link.session?.generation ?? 1 == 1 { await Task.yield() }
                        #expect([leaving, ignorant].map(\.commands.elements.count) == asked)
                        #expect(right.commands.elements.count == 4)
                        await link.close()
                    }
                }
            }
        }
    }

    @Test("passes over a sentinel whose master is a replica, or is not there")
    func liars() async throws {
        let free = try await master { $0.port }
        try await master { master in
            try await ScriptedRedis.run { command in
                .text(ScriptedRedis.greeting(command, role: "slave") ?? "")
            } _: { replica in
                try await sentinel({ ScriptedSentinel.answer($0, master: replica.port, epoch: 9) }) { lying in
                    try await sentinel({ ScriptedSentinel.answer($0, master: free, epoch: 8) }) { late in
                        try await sentinel({ ScriptedSentinel.answer($0, master: master.port, epoch: 7) }) { right in
                            let trouble = await trouble(try configuration([lying]))
                            #expect(trouble?.kind == .notMaster)
                            let words = "127.0.0.1:\(replica.port): this Redis is a replica"
                            #expect(trouble?.description.contains(words) == true)
                            let link = RedisLink(try configuration([lying, late, right]))
                            #expect(try await link.up(within: .seconds(60)).endpoint.port == master.port)
                            await link.close()
                        }
                    }
                }
            }
        }
    }

    @Test("tells at once that the sentinels know no master of the name")
    func unknown() async throws {
        try await sentinel({ ScriptedSentinel.answer($0, master: nil) }) { one in
            try await sentinel({ ScriptedSentinel.answer($0, master: nil) }) { other in
                let link = RedisLink(try configuration([one, other]))
                let trouble = await #expect(throws: RedisTrouble.self) { _ = try await link.up(within: .seconds(600)) }
                #expect(trouble?.kind == .masterName && trouble?.description.contains("no master named m") == true)
                await link.close()
            }
        }
        // A Redis that is no sentinel.
        try await master { master in
            let trouble = await trouble(try configuration([master]))
            #expect(trouble?.kind == .malformed, "\(String(describing: trouble))")
        }
    }

    @Test("gives up in its time where no sentinel answers")
    func silence() async throws {
        try await sentinel({ _ in .nothing }) { one in
            try await sentinel({ _ in .text("*1\r\n") }) { other in
                var configuration = try configuration([one, other])
                configuration.handshakeTimeout = .milliseconds(200)
                let trouble = await trouble(configuration)
                #expect(trouble?.kind == .timeout)
                #expect(trouble?.description.contains("127.0.0.1:\(other.port): it did not answer within") == true)
            }
        }
    }

    @Test("says its password, which no trouble shows")
    func password() async throws {
        let refuses = Mutex(true)
        try await master { master in
            try await ScriptedRedis.run { command in
                guard command.name == "AUTH" else { return ScriptedSentinel.answer(command, master: master.port) }
                return refuses.withLock { $0 }
                    ? .text("-WRONGPASS invalid username-password pair: secret\r\n") : .text("+OK\r\n")
            } _: { sentinel in
                let configuration = try configuration([sentinel], "?sentinel-user=u&sentinel-password=secret")
                let trouble = await trouble(configuration)
                #expect(trouble?.kind == .credentials && trouble?.description.contains("secret") == false)
                refuses.withLock { $0 = false }
                let link = RedisLink(configuration)
                _ = try await link.up(within: .seconds(60))
                #expect(sentinel.commands.elements.contains { $0.words == ["AUTH", "u", "secret"] })
                #expect(!master.commands.elements.contains { $0.words.contains("secret") })
                await link.close()
            }
        }
    }

    @Test("leaves a master that goes on answering when a sentinel knows of a later failover")
    func superseded() async throws {
        let epoch = Mutex(1)
        let isAway = Mutex(false)
        try await master { old in
            try await master { new in
                try await ScriptedRedis.run { command in
                    // One that was cut off stays with the old one for ever.
                    ScriptedSentinel.answer(command, master: old.port, epoch: 1)
                } _: { behind in
                    try await ScriptedRedis.run { command in
                        let isOver = isAway.withLock { $0 }
                        return ScriptedSentinel.answer(
                            command,
                            master: isOver ? new.port : old.port,
                            epoch: epoch.withLock { $0 }
                        )
                    } _: { right in
                        var configuration = try configuration([behind, right])
                        configuration.sentinelInterval = .milliseconds(20)
                        let downs = Recorder<RedisTrouble>()
                        let link = RedisLink(configuration, onDown: { downs.note($0) })
                        #expect(try await link.up(within: .seconds(60)).endpoint.port == old.port)
                        // Another name for the same configuration moves nobody.
                        isAway.withLock { $0 = true }
                        let asked = right.commands.elements.count
                        await right.commands.wait(for: asked + 10)
                        #expect(downs.elements.isEmpty)
                        epoch.withLock { $0 = 2 }
                        let trouble = await downs.wait(for: 1)[0]
                        #expect(trouble.kind == .notMaster && trouble.description.contains("127.0.0.1:\(new.port)"))
                        #expect(try await link.up(within: .seconds(60)).endpoint.port == new.port)
                        // It stays there, whatever the other one says.
                        let before = behind.commands.elements.count
                        await behind.commands.wait(for: before + 10)
                        #expect(downs.elements.count == 1)
                        await link.close()
                    }
                }
            }
        }
    }

    @Test("asks again when the master has become a replica")
    func readOnly() async throws {
        let isOver = Mutex(false)
        try await ScriptedRedis.run { command in
            command.name == "X" ? .text("-READONLY You can't write against a replica.\r\n") : Self.greet(command)
        } _: { old in
            try await master { new in
                try await ScriptedRedis.run { command in
                    ScriptedSentinel.answer(command, master: isOver.withLock { $0 } ? new.port : old.port)
                } _: { sentinel in
                    let link = RedisLink(try configuration([sentinel]))
                    #expect(try await link.up(within: .seconds(60)).endpoint.port == old.port)
                    isOver.withLock { $0 = true }
                    await #expect(throws: RedisFailure.self) { _ = try await link.send(RedisCommand(["X"])) }
                    while link.session?.endpoint.port != new.port { await Task.yield() }
                    #expect(try await link.send(RedisCommand(["X"])).text == "X")
                    await link.close()
                }
            }
        }
    }

    @Test("takes all that share the sentinels along when one finds another master")
    func shared() async throws {
        let isOver = Mutex(false)
        try await ScriptedRedis.run { command in
            command.name == "X" ? .text("-READONLY You can't write against a replica.\r\n") : Self.greet(command)
        } _: { old in
            try await master { new in
                try await ScriptedRedis.run { command in
                    ScriptedSentinel.answer(command, master: isOver.withLock { $0 } ? new.port : old.port)
                } _: { sentinel in
                    let configuration = try configuration([sentinel])
                    let loop = MultiThreadedEventLoopGroup.singleton.any()
                    let sentinels = RedisSentinels(configuration, on: loop)
                    let (one, other) = (
                        RedisLink(configuration, on: loop, sentinels: sentinels),
                        RedisLink(configuration, on: loop, sentinels: sentinels)
                    )
                    let subscriber = RedisSubscriber(
                        configuration,
                        probingThrough: nil,
                        on: loop,
                        sentinels: sentinels
                    )
                    #expect(try await one.up(within: .seconds(60)).endpoint.port == old.port)
                    #expect(try await other.up(within: .seconds(60)).endpoint.port == old.port)
                    isOver.withLock { $0 = true }
                    await #expect(throws: RedisFailure.self) { _ = try await one.send(RedisCommand(["X"])) }
                    while one.session?.endpoint.port != new.port { await Task.yield() }
                    while other.session?.endpoint.port != new.port { await Task.yield() }
                    while true {
                        if case .up(let session) = subscriber.state, session.endpoint.port == new.port { break }
                        await Task.yield()
                    }
                    #expect(sentinel.connections.elements.count == 1)
                    await one.close()
                    await other.close()
                    await subscriber.close()
                    sentinels?.close()
                    try await sentinel.connections.elements[0].closeFuture.get()
                }
            }
        }
    }

    @Test("closes what it has at the sentinels when it is closed")
    func closed() async throws {
        try await master { master in
            try await sentinel({ ScriptedSentinel.answer($0, master: master.port) }) { sentinel in
                let link = RedisLink(try configuration([sentinel]))
                _ = try await link.up(within: .seconds(60))
                await link.close()
                try await sentinel.connections.wait(for: 1)[0].closeFuture.get()
            }
        }
    }
}
