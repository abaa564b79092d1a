import FreshetServer
import Locks
import Logging
import StoreSuite
import StreamCore
import Testing

@testable import FreshetHooks

@Suite("A hook", .timeLimit(.minutes(1)))
struct HookDeliveriesTests {
    private let store = MemoryStreamStore(
        outbox: OutboxRules(receivers: [OutboxRules.Receiver(name: "http://app/", prefixes: ["told/"])])
    )
    private let chat = StreamName.known("told/chat")

    /// A receiver: it answers as it is told to, and then takes everything.
    private final class Receiver: Sendable {
        private let answers: Mutex<[HookAnswer]>
        private let calls: AsyncStream<HookCall>
        private let arrived: AsyncStream<HookCall>.Continuation
        /// How many it answers at most; the others hang until they are cancelled.
        private let most: Int

        init(_ answers: HookAnswer..., answering most: Int = .max) {
            self.answers = Mutex(answers)
            self.most = most
            (calls, arrived) = AsyncStream.makeStream(of: HookCall.self)
        }

        private let count = Mutex(0)
        /// When each call came.
        let moments = Mutex<[ContinuousClock.Instant]>([])

        /// The next call that comes, or has come.
        func next() async throws -> HookCall {
            for await call in calls { return call }
            throw UnexpectedOutcome("no call")
        }

        func answer(_ call: HookCall) async -> HookAnswer {
            moments.withLock { $0.append(.now) }
            let number = count.withLock { count in
                count += 1
                return count
            }
            arrived.yield(call)
            if number > most {
                while !Task.isCancelled { await Task.yield() }
                return .failed("cancelled")
            }
            return answers.withLock { $0.isEmpty ? .taken : $0.removeFirst() }
        }
    }

    private func deliveries(_ receiver: Receiver, _ backOff: BackOff = .hasty) throws -> HookDeliveries {
        let setting = HookSetting(url: "http://app/", secretFile: "", prefixes: [])
        let secrets = try HookSecrets(parsing: Array("a secret of more than 24 bytes".utf8), file: "")
        return HookDeliveries(
            [(setting, secrets)],
            outbox: store,
            backOff: backOff,
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() },
            call: { await receiver.answer($0) }
        )
    }

    private func end(_ name: StreamName, _ text: String = "hello") async throws {
        _ = try await store.put(name)
        try await store.add(name, text, end: EndRequest(.done, trace: String(repeating: "5", count: 32)))
    }

    private func untilAllIsTold() async {
        while store.outboxUsage.entries > 0 { await Task.yield() }
    }

    @Test("is told of an end, of before its start and after, and forgets what was taken")
    func told() async throws {
        let receiver = Receiver()
        let hook = try deliveries(receiver)
        try await end(.known("told/before"))
        try await hook.start()
        try await end(chat)
        let first = try await receiver.next()
        let second = try await receiver.next()
        #expect(first.text.contains(#""stream":"told/before""#) && second.text.contains(#""stream":"told/chat""#))
        #expect(
            second.url == "http://app/"
                && second["traceparent"]?.hasPrefix("00-55555555555555555555555555555555-") == true
        )
        #expect(second.text.contains(#""content":[{"id":""#) && second.text.contains(#""data":"hello"}]"#))
        await untilAllIsTold()
        #expect(await hook.standings.first?.counts == HookCounts(delivered: 2, failed: 0, gone: 0))
        await hook.stop()
    }

    @Test("that fails is told again: the same id and body, signed anew")
    func retried() async throws {
        let receiver = Receiver(.failed("it answered 500"), .failed("it answered 500"))
        let hook = try deliveries(receiver)
        try await hook.start()
        try await end(chat)
        var seen: [HookCall] = []
        for _ in 0..<3 { seen.append(try await receiver.next()) }
        #expect(Set(seen.map { $0["webhook-id"] }).count == 1 && Set(seen.map(\.text)).count == 1)
        let secrets = try HookSecrets(parsing: Array("a secret of more than 24 bytes".utf8), file: "")
        for call in seen {
            let id = try #require(call["webhook-id"])
            let timestamp = try #require(call["webhook-timestamp"].flatMap { UInt64($0) })
            let expected = secrets.signatures(id: id, timestamp: timestamp, body: call.body)
            #expect(call["webhook-signature"] == expected)
        }
        await untilAllIsTold()
        let standing = await hook.standings.first
        #expect(standing?.counts == HookCounts(delivered: 1, failed: 2, gone: 0) && standing?.trouble == nil)
        await hook.stop()
    }

    @Test("that asks for a second by Retry-After is called by nobody for that long")
    func retryAfter() async throws {
        let wait = RetryAfter("1", date: nil, now: 0, status: 503)
        let receiver = Receiver(.failed("it answered 503", wait))
        var backOff = BackOff.hasty
        backOff.longest = .seconds(2)
        let hook = try deliveries(receiver, backOff)
        try await hook.start()
        try await end(chat)
        while await hook.standings.first?.counts.failed != 1 { await Task.yield() }
        try await end(.known("told/other"))
        for _ in 0..<3 { _ = try await receiver.next() }
        let moments = receiver.moments.withLock(\.self)
        #expect(moments.dropFirst().allSatisfy { moments[0].duration(to: $0) >= .seconds(1) })
        await untilAllIsTold()
        await hook.stop()
    }

    @Test("is told of a stream's end before its expiry, however often that fails")
    func order() async throws {
        let receiver = Receiver(.failed("a"), .failed("b"))
        let hook = try deliveries(receiver)
        try await end(chat)
        _ = try await store.remove(chat, because: .expired, born: nil)
        try await hook.start()
        var types: [Bool] = []
        for _ in 0..<4 { types.append(try await receiver.next().text.contains("stream.ended")) }
        #expect(types == [true, true, true, false])
        await hook.stop()
    }

    @Test("that answers 410 is told nothing until a reload")
    func gone() async throws {
        let receiver = Receiver(.gone)
        let hook = try deliveries(receiver)
        try await hook.start()
        try await end(chat)
        _ = try await receiver.next()
        while await hook.standings.first?.isDisabled != true { await Task.yield() }
        try await end(.known("told/later"))
        #expect(store.outboxUsage.entries == 2 && store.outboxUsage.failed == 0)
        await hook.reload([:])
        let again = [try await receiver.next(), try await receiver.next()].map { $0["webhook-id"] }
        #expect(Set(again).count == 2)
        await untilAllIsTold()
        let standing = await hook.standings.first
        #expect(standing?.isDisabled == false && standing?.counts == HookCounts(delivered: 2, failed: 0, gone: 1))
        await hook.stop()
    }

    @Test("that never takes a call has it among the dead letters, until somebody tells it again")
    func dead() async throws {
        let receiver = Receiver(.failed("it answered 500"), .failed("it answered 500"))
        var backOff = BackOff.hasty
        backOff.patience = .zero
        backOff.fewestAttempts = 2
        let hook = try deliveries(receiver, backOff)
        try await hook.start()
        try await end(chat)
        while store.outboxUsage.failed == 0 { await Task.yield() }
        let entry = try #require(try await store.outboxEntries(after: 0, limit: 9).first)
        #expect(entry.failure == "it answered 500")
        // What has just failed for the last time is still being put away.
        while await hook.standings.first?.waiting != 0 { await Task.yield() }
        #expect(try await hook.retry(entry) == .done)
        await untilAllIsTold()
        #expect(try await hook.retry(entry) == .missing)
        await hook.stop()
    }

    @Test("is told again by the next process what this one was telling")
    func restart() async throws {
        let hanging = Receiver(answering: 0)
        let first = try deliveries(hanging)
        try await first.start()
        try await end(chat)
        let before = try await hanging.next()
        await first.stop()
        #expect(store.outboxUsage.entries == 1)
        let receiver = Receiver()
        let second = try deliveries(receiver)
        try await second.start()
        let after = try await receiver.next()
        #expect(after["webhook-id"] == before["webhook-id"] && after.text == before.text)
        await untilAllIsTold()
        await second.stop()
    }

    @Test("is not told what was dropped")
    func dropped() async throws {
        let receiver = Receiver(.gone)
        let hook = try deliveries(receiver)
        try await hook.start()
        try await end(chat)
        while await hook.standings.first?.isDisabled != true { await Task.yield() }
        let entry = try #require(try await store.outboxEntries(after: 0, limit: 9).first)
        #expect(try await hook.drop(entry) == .done)
        #expect(try await hook.drop(entry) == .missing)
        #expect(store.outboxUsage.entries == 0)
        #expect(await hook.standings.first?.waiting == 0)
        await hook.stop()
    }

    @Test("reads what became of a stream")
    func body() throws {
        let offset = Offset(milliseconds: 1, counter: 0)
        let end = StreamEnd(reason: .failed, detail: "no \"model\"", offset: offset)
        var entry = OutboxEntry.of("told/chat", end)
        let text = String(decoding: NoticeBody.json(entry, content: []), as: UTF8.self)
        let place =
            #""birth":"\#(offset.text)","floor":"\#(offset.text)","tail":"\#(offset.text)","end":"\#(offset.text)""#
        #expect(
            text == #"{"type":"stream.ended","timestamp":"1970-01-01T00:00:00Z","data":{"stream":"told/chat","#
                + #""reason":"failed","detail":"no \"model\"","contentType":"text/event-stream",\#(place),"#
                + #""events":0,"bytes":0,"content":[],"contentOmitted":null}}"#
        )
        entry.content = .omitted(.tooLarge)
        entry.occasion = .expired
        let other = String(decoding: NoticeBody.json(entry, content: nil), as: UTF8.self)
        #expect(other.contains(#""type":"stream.expired""#) && other.contains(#""reason":"expired","detail":null"#))
        #expect(other.hasSuffix(#""content":null,"contentOmitted":"too-large"}}"#))
    }
}

extension BackOff {
    /// Retries follow at once.
    static var hasty: BackOff {
        var backOff = BackOff()
        backOff.first = .milliseconds(1)
        backOff.longest = .milliseconds(2)
        return backOff
    }
}

extension HookCall {
    var text: String { String(decoding: body, as: UTF8.self) }

    subscript(name: String) -> String? { fields.first { $0.name == name }?.value }
}
