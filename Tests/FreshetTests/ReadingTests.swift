import Freshet
import StreamCore
import Testing

@Suite("Reading in process", .timeLimit(.minutes(10)))
struct ReadingTests {
    let streams: EventStreams

    init() throws {
        streams = try EventStreams()
    }

    @Test("What is kept comes first, then what is appended, then the end, and nothing after it")
    func replayThenFollow() async throws {
        let stream = try await streams.create("answer")
        try await stream.append("kept")
        var updates = Self.feed(stream.events()).makeAsyncIterator()
        #expect(try await updates.next()?.text == "kept")
        try await stream.append("followed", type: "word")
        let followed = try await updates.next()
        #expect(followed?.text == "followed")
        guard case .event(let event)? = followed else { Issue.record("\(String(describing: followed))"); return }
        #expect(event.type == "word")
        try await stream.end(.failed, detail: "out of paper")
        guard case .end(let end)? = try await updates.next() else {
            Issue.record("something else came")
            return
        }
        #expect(end.reason == .failed)
        #expect(end.detail == "out of paper")
        #expect(try await updates.next() == nil)
    }

    @Test("A reader comes back with the id of what it saw, and gets what is strictly later")
    func resume() async throws {
        let stream = try await streams.create("answer")
        let ids = try await [stream.append("a"), stream.append("b"), stream.append("c")]
        try await stream.end()
        var texts: [String?] = []
        for try await update in stream.events(after: ids[0]) { texts.append(update.text) }
        #expect(texts == ["b", "c", nil])
        let text = ids[1].description
        let id = try #require(EventStream.Offset(text))
        #expect(try await stream.events(after: id).first { _ in true }?.text == "c")
    }

    @Test("A reader may come before the stream is created")
    func early() async throws {
        let stream = try streams.stream("not-yet")
        var updates = Self.feed(stream.events()).makeAsyncIterator()
        while streams.streams.attendance(of: try StreamName("not-yet")).readers == 0 { await Task.yield() }
        try await stream.create()
        try await stream.append("there")
        #expect(try await updates.next()?.text == "there")
    }

    @Test("A position of a stream that does not exist is an error, not a wait")
    func positionOfNothing() async throws {
        let id = try await streams.create("one").append("x")
        let error = await #expect(throws: EventStreamError.self) {
            for try await _ in try streams.stream("two").events(after: id) {}
        }
        #expect(error?.code == .notFound)
    }

    @Test("Retention that passes a reader is told as a gap, in front of what is kept")
    func gap() async throws {
        let stream = try await streams.create("short", .init(retention: .init(events: 2)))
        var ids: [EventStream.Offset] = []
        for number in 0..<5 { ids.append(try await stream.append("\(number)")) }
        var updates = stream.events(after: ids[0]).makeAsyncIterator()
        #expect(try await updates.next() == .gap(requested: ids[0], resumed: ids[2]))
        #expect(try await updates.next()?.text == "3")
        #expect(try await updates.next()?.text == "4")
        // And while it is being read.
        for number in 5..<9 { try await stream.append("\(number)") }
        let earliest = try #require(await stream.info()?.earliest)
        #expect(try await updates.next() == .gap(requested: ids[4], resumed: earliest))
        #expect(try await updates.next()?.text == "7")
    }

    @Test("A position of another stream is a gap, and everything follows")
    func foreignPosition() async throws {
        let foreign = try await streams.create("other").append("x")
        let stream = try await streams.create("mine")
        try await stream.append("first")
        var updates = stream.events(after: foreign).makeAsyncIterator()
        guard case .gap(requested: foreign, _)? = try await updates.next() else {
            Issue.record("something else came")
            return
        }
        #expect(try await updates.next()?.text == "first")
    }

    @Test("A reader from now sees nothing of what was before")
    func fromNow() async throws {
        let stream = try await streams.create("log")
        try await stream.append("old")
        var updates = Self.feed(stream.events(after: .now)).makeAsyncIterator()
        while try await stream.info()?.readers != 1 { await Task.yield() }
        // It is attached before it has looked: what it sees first may not be the first of these.
        let appending = Task { while !Task.isCancelled { try await stream.append("new") } }
        #expect(try await updates.next()?.text == "new")
        appending.cancel()
        _ = await appending.result
    }

    @Test("A stream that is deleted while it is read says so, and so does one that is made anew at once")
    func deletion() async throws {
        let stream = try await streams.create("gone")
        try await stream.append("x")
        var updates = stream.events().makeAsyncIterator()
        #expect(try await updates.next()?.text == "x")
        #expect(try await stream.delete())
        try await stream.create()
        try await stream.append("of another stream")
        #expect(try await updates.next() == .removed(.deleted))
        #expect(try await updates.next() == nil)
    }

    @Test("A reader that does not ask holds a page, however much is appended, and then reads all of it")
    func backPressure() async throws {
        let stream = try await streams.create("fast")
        var updates = stream.events().makeAsyncIterator()
        try await stream.append("0")
        #expect(try await updates.next()?.text == "0")
        for number in 1...5000 { try await stream.append("\(number)") }
        for number in 1...5000 { #expect(try await updates.next()?.text == "\(number)") }
    }

    @Test("Two producers and three readers agree on one order")
    func oneOrder() async throws {
        let stream = try await streams.create("crowd")
        async let first = Self.read(stream)
        async let second = Self.read(stream)
        async let third = Self.read(stream)
        await withThrowingTaskGroup(of: Void.self) { group in
            for name in ["a", "b"] {
                group.addTask { for number in 0..<300 { try await stream.append("\(name)\(number)") } }
            }
        }
        try await stream.end()
        let all = try await [first, second, third]
        #expect(all[0].count == 600)
        #expect(all[0] == all[1])
        #expect(all[1] == all[2])
    }

    @Test("A cancelled read throws, so that it is not taken for a complete one")
    func cancellation() async throws {
        let stream = try await streams.create("endless")
        let reading = Task { for try await _ in stream.events() {} }
        while try await stream.info()?.readers != 1 { await Task.yield() }
        reading.cancel()
        await #expect(throws: CancellationError.self) { try await reading.value }
        while try await stream.info()?.readers != 0 { await Task.yield() }
    }

    @Test("Closing the streams ends every read, with an error that says so")
    func closing() async throws {
        let stream = try await streams.create("endless")
        let reading = Task { for try await _ in stream.events() {} }
        while try await stream.info()?.readers != 1 { await Task.yield() }
        await streams.close()
        let error = await #expect(throws: EventStreamError.self) { try await reading.value }
        #expect(error?.code == .stopped)
    }

    @Test("A reader counts as one for as long as it is held, and no longer")
    func attendance() async throws {
        let stream = try await streams.create("watched")
        try await stream.append("x")
        do {
            var updates = stream.events().makeAsyncIterator()
            _ = try await updates.next()
            #expect(try await stream.info()?.readers == 1)
            withExtendedLifetime(updates) {}
        }
        #expect(try await stream.info()?.readers == 0)
    }

    /// Reads in a task of its own, as fast as it can.
    private static func feed(_ events: EventStream.Events) -> AsyncThrowingStream<EventStream.Update, any Error> {
        AsyncThrowingStream { feed in
            let reading = Task {
                do {
                    for try await update in events { feed.yield(update) }
                    feed.finish()
                } catch {
                    feed.finish(throwing: error)
                }
            }
            feed.onTermination = { _ in reading.cancel() }
        }
    }

    private static func read(_ stream: EventStream) async throws -> [String] {
        var texts: [String] = []
        for try await update in stream.events() { if let text = update.text { texts.append(text) } }
        return texts
    }
}

extension EventStream.Update {
    var text: String? { if case .event(let event) = self { event.text } else { nil } }
}
