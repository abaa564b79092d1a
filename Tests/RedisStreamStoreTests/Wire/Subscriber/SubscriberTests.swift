import Foundation
import Locks
import NIOCore
import Testing

@testable import RedisStreamStore

@Suite("A subscriber of Redis", .timeLimit(.minutes(5)))
struct SubscriberTests {
    private func configuration(_ url: RedisURL) -> RedisConfiguration {
        var configuration = RedisConfiguration(url)
        configuration.connectTimeout = .seconds(30)
        configuration.handshakeTimeout = .seconds(30)
        configuration.replyTimeout = .seconds(60)
        configuration.silenceTimeout = .seconds(60)
        configuration.longestBackOff = .milliseconds(100)
        return configuration
    }

    private func publish(_ channel: [UInt8], _ message: [UInt8]) -> RedisCommand {
        var command = RedisCommand("PUBLISH")
        command.add(channel)
        command.add(message)
        return command
    }

    @Test("tells every message from ready on, in order, whatever bytes channel and message are")
    func messages() async throws {
        let redis = try await RedisProcess.start()
        let link = RedisLink(configuration(try redis.url))
        _ = try await link.up(within: .seconds(60))
        let subscriber = RedisSubscriber(configuration(try redis.url), probingThrough: nil)
        let channels: [[UInt8]] = [[], [0, 13, 10, 255, 32], Array("plain".utf8), Array(repeating: 0x7B, count: 1000)]
        let told = channels.map { _ in Recorder<RedisSubscriptionSignal>() }
        let subscriptions = zip(channels, told).map { channel, told in
            subscriber.subscribe(channel) { told.note($0) }
        }
        for told in told { #expect(await told.wait(for: 1) == [.ready]) }
        let messages = (0..<300).map { number in (0..<number).map { UInt8(truncatingIfNeeded: $0 &* number) } }
        for (index, channel) in channels.enumerated() {
            let replies = await link.pipeline(messages.map { publish(channel, $0 + [UInt8(index)]) })
            #expect(replies.allSatisfy { (try? $0.get()) == .integer(1) })
        }
        for (index, told) in told.enumerated() {
            #expect(await told.wait(for: 301).dropFirst() == ArraySlice(messages.map { .message($0 + [UInt8(index)]) }))
        }
        subscriptions.forEach { $0.cancel() }
        await subscriber.close()
        await link.close()
        #expect(told.allSatisfy { $0.elements.count == 301 }, "who follows no more is told nothing")
    }

    @Test("asks Redis once for a channel, and no more when nobody follows it")
    func counted() async throws {
        let redis = try await RedisProcess.start()
        let link = RedisLink(configuration(try redis.url))
        _ = try await link.up(within: .seconds(60))
        let subscriber = RedisSubscriber(configuration(try redis.url), probingThrough: nil)
        func subscribers() async throws -> Int64? {
            try await link.send(RedisCommand(["PUBSUB", "NUMSUB", "c"])).elements?.last?.integer
        }
        let (first, second) = (Recorder<RedisSubscriptionSignal>(), Recorder<RedisSubscriptionSignal>())
        let one = subscriber.subscribe(Array("c".utf8)) { first.note($0) }
        await first.wait(for: 1)
        let two = subscriber.subscribe(Array("c".utf8)) { second.note($0) }
        await second.wait(for: 1)
        #expect(try await subscribers() == 1)
        one.cancel()
        one.cancel()
        try await subscriber.eventLoop.submit {}.get()
        _ = try await link.send(publish(Array("c".utf8), [1]))
        await second.wait(for: 2)
        #expect(first.elements == [.ready] && second.elements == [.ready, .message([1])])
        two.cancel()
        while try await subscribers() != 0 {}
        // And again.
        let third = Recorder<RedisSubscriptionSignal>()
        _ = subscriber.subscribe(Array("c".utf8)) { third.note($0) }
        await third.wait(for: 1)
        #expect(try await subscribers() == 1)
        await subscriber.close()
        #expect(third.elements == [.ready, .lost] && subscriber.state == .closed)
        await link.close()
    }

    @Test("tells what is lost with a connection, and subscribes all of it again, in batches")
    func lost() async throws {
        let redis = try await RedisProcess.start()
        let link = RedisLink(configuration(try redis.url))
        _ = try await link.up(within: .seconds(60))
        let order = Recorder<String>()
        let subscriber = RedisSubscriber(
            configuration(try redis.url),
            probingThrough: nil,
            onUp: { order.note("up \($0.generation)") },
            onDown: { order.note("down \($0.kind)") }
        )
        let number = 2500
        let ready = Mutex(0)
        let lost = Mutex(0)
        let heard = Recorder<Int>()
        let states = Recorder<Bool>()
        @Sendable func isWhole(_ counter: borrowing Mutex<Int>) -> Bool {
            counter.withLock { count in
                count += 1
                return count % number == 0
            }
        }
        let subscriptions = (0..<number).map { index in
            subscriber.subscribe(Array("c\(index)".utf8)) { signal in
                switch signal {
                case .ready: if isWhole(ready) { states.note(true) }
                case .lost: if isWhole(lost) { states.note(false) }
                case .message: heard.note(index)
                }
            }
        }
        await states.wait(for: 1)
        for round in 1...3 {
            #expect(try await link.send(RedisCommand(["CLIENT", "KILL", "TYPE", "pubsub"])).integer == 1)
            await states.wait(for: 1 + 2 * round)
            #expect(states.elements.suffix(2) == [false, true])
            let replies = await link.pipeline((0..<number).map { publish(Array("c\($0)".utf8), []) })
            #expect(replies.allSatisfy { (try? $0.get()) == .integer(1) })
            #expect(await heard.wait(for: number * round).suffix(number) == ArraySlice(0..<number))
        }
        #expect(order.elements == ["up 1", "down closed", "up 2", "down closed", "up 3", "down closed", "up 4"])
        subscriptions.forEach { $0.cancel() }
        while try await link.send(RedisCommand(["PUBSUB", "CHANNELS"])).elements?.isEmpty != true {}
        await subscriber.close()
        await link.close()
    }

    @Test("outlives a Redis that is started anew, and one that stands still")
    func away() async throws {
        let redis = try await RedisProcess.start()
        var configuration = configuration(try redis.url)
        configuration.pingInterval = .milliseconds(100)
        configuration.silenceTimeout = .milliseconds(400)
        let subscriber = RedisSubscriber(configuration, probingThrough: nil)
        let told = Recorder<RedisSubscriptionSignal>()
        let subscription = subscriber.subscribe(Array("c".utf8)) { told.note($0) }
        await told.wait { $0.last == .ready }
        await redis.end()
        await told.wait { $0.last == .lost }
        let again = try await redis.restarted()
        await told.wait { $0.last == .ready }
        let before = told.elements.count
        again.signal(SIGSTOP)
        await told.wait { $0.count > before && $0.last == .lost }
        again.signal(SIGCONT)
        await told.wait { $0.count > before + 1 && $0.last == .ready }
        subscription.cancel()
        await subscriber.close()
    }

    @Test("loses no subscription to those that come and go while confirmations are on the way", arguments: 0..<4)
    func crossing(_ round: Int) async throws {
        let redis = try await RedisProcess.start()
        let link = RedisLink(configuration(try redis.url))
        _ = try await link.up(within: .seconds(60))
        let subscriber = RedisSubscriber(configuration(try redis.url), probingThrough: nil)
        let channel = Array("c".utf8)
        try await withThrowingTaskGroup(of: Void.self) { group in
            for _ in 0..<8 {
                group.addTask {
                    for number in 0..<100 {
                        let told = Recorder<RedisSubscriptionSignal>()
                        let subscription = subscriber.subscribe(channel) { told.note($0) }
                        // Some go before they are ready.
                        if Int.random(in: 0..<3) > 0 {
                            await told.wait { $0.first == .ready }
                            let message = Array("\(number)".utf8)
                            let receivers = try await link.send(publish(channel, message))
                            #expect(receivers == .integer(1))
                            await told.wait { $0.contains(.message(message)) }
                        }
                        subscription.cancel()
                    }
                }
            }
            try await group.waitForAll()
        }
        while try await link.send(RedisCommand(["PUBSUB", "CHANNELS"])).elements?.isEmpty != true {}
        await subscriber.close()
        await link.close()
    }

    /// A subscriber's Redis that confirms everything, and gives no message but the probe's, unless it is deaf.
    private static func answer(_ command: ScriptedRedis.Command) -> ScriptedRedis.Answer {
        if let greeting = ScriptedRedis.greeting(command) { return .text(greeting) }
        let kind = command.name.lowercased()
        let confirmations = command.words.dropFirst().map { name in
            ">3\r\n$\(kind.utf8.count)\r\n\(kind)\r\n$\(name.utf8.count)\r\n\(name)\r\n:1\r\n"
        }
        return .text(confirmations.joined())
    }

    /// A link that takes everything, or nothing.
    private struct Publisher: RedisCommands {
        let published = Recorder<Int>()
        let failure: RedisFailure?
        /// What is done with the number of a probe.
        var deliver: @Sendable (Int) -> Void = { _ in }

        func begin(_ command: RedisCommand, told: @escaping @Sendable (Result<RESPValue, RedisFailure>) -> Void) {
            if let failure {
                told(.failure(failure))
            } else {
                deliver(published.elements.count + 1)
                told(.success(.integer(1)))
            }
            published.note(published.elements.count)
        }

        func begin(
            _ pipeline: [RedisCommand],
            told: @escaping @Sendable ([Result<RESPValue, RedisFailure>]) -> Void
        ) {
            told(pipeline.map { _ in .success(.integer(1)) })
        }
    }

    @Test("finds a subscription that is dead though its connection lives")
    func probe() async throws {
        try await ScriptedRedis.run(answer: Self.answer) { server in
            var configuration = configuration(try server.url)
            configuration.probeInterval = .milliseconds(100)
            configuration.probeTimeout = .milliseconds(100)
            let downs = Recorder<RedisTrouble>()
            let told = Recorder<RedisSubscriptionSignal>()
            let subscriber = RedisSubscriber(
                configuration,
                probingThrough: Publisher(failure: nil),
                onDown: { downs.note($0) }
            )
            _ = subscriber.subscribe(Array("c".utf8)) { told.note($0) }
            // Each connection is found dead.
            let troubles = await downs.wait(for: 2)
            #expect(troubles.allSatisfy { $0.kind == .timeout && $0.description.contains("published") })
            await told.wait { $0.starts(with: [.ready, .lost, .ready, .lost]) }
            #expect(subscriber.lastProbe == nil)
            await subscriber.close()
        }
    }

    @Test("keeps a connection whose probes come back, and one through which nothing can be published")
    func aliveProbe() async throws {
        let redis = try await RedisProcess.start()
        let link = RedisLink(configuration(try redis.url))
        var configuration = configuration(try redis.url)
        configuration.probeInterval = .milliseconds(50)
        configuration.probeTimeout = .milliseconds(50)
        let downs = Recorder<RedisTrouble>()
        let subscriber = RedisSubscriber(configuration, probingThrough: link, onDown: { downs.note($0) })
        while subscriber.lastProbe == nil { await Task.yield() }
        let first = subscriber.lastProbe
        while subscriber.lastProbe == first { await Task.yield() }
        await subscriber.close()
        await link.close()

        let publisher = Publisher(failure: .notSent("down"))
        let other = RedisSubscriber(configuration, probingThrough: publisher, onDown: { downs.note($0) })
        await publisher.published.wait(for: 5)
        guard case .up(let session) = other.state else {
            Issue.record("\(other.state)")
            return
        }
        #expect(session.generation == 1)
        await other.close()
    }

    @Test("gives up a connection on which it is refused, not confirmed, or confirmed what it did not ask")
    func badConfirmations() async throws {
        let answers: [ScriptedRedis.Answer] = [
            .text("-NOPERM this user has no permissions to access one of the channels\r\n"), .nothing,
            .text(">3\r\n$9\r\nsubscribe\r\n$5\r\nother\r\n:1\r\n"),
            .text(">3\r\n$9\r\nsubscribe\r\n$1\r\nc\r\n:1\r\n>3\r\n$11\r\nunsubscribe\r\n$1\r\nc\r\n:0\r\n"),
        ]
        let kinds: [RedisTrouble.Kind] = [.permission, .timeout, .malformed, .malformed]
        for (answer, kind) in zip(answers, kinds) {
            try await ScriptedRedis.run { command in
                command.connection == 0 && command.name == "SUBSCRIBE" ? answer : Self.answer(command)
            } _: { server in
                var configuration = configuration(try server.url)
                if kind == .timeout { configuration.replyTimeout = .milliseconds(200) }
                let downs = Recorder<RedisTrouble>()
                let told = Recorder<RedisSubscriptionSignal>()
                let subscriber = RedisSubscriber(configuration, probingThrough: nil, onDown: { downs.note($0) })
                _ = subscriber.subscribe(Array("c".utf8)) { told.note($0) }
                await told.wait { $0.last == .ready && $0.count != 1 || $0 == [.ready] && !downs.elements.isEmpty }
                #expect(downs.elements.first?.kind == kind, "\(downs.elements)")
                await subscriber.close()
            }
        }
    }
}
