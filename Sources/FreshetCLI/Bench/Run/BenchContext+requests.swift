import AsyncHTTPClient
import Locks
import NIOCore
import NIOHTTP1
import TextCodecs

/// What several modes ask of a server.
@available(freshet 0.1, *)
extension BenchContext {
    /// A read that follows an event stream from its beginning.
    func reading(_ url: String, foreign: Bool) throws -> HTTPClient.Request {
        let target = foreign ? url : url + "?as=sse&offset=-1"
        return try BenchRequests.template(
            .GET,
            target,
            headers: streams.authorization + [("Accept", "text/event-stream"), ("Cache-Control", "no-store")]
        )
    }

    /// Opens a reader of each of these streams of the run.
    func follow(_ urls: [String]) async throws {
        let now = BenchClock.now
        let readers = urls.map { _ in FollowingReader(measurements, due: now) }
        try await open(readers) { try reading(urls[$0], foreign: false) }
    }

    /// A POST of lines of JSON.
    func appending(_ url: String, headers: [(String, String)] = []) throws -> HTTPClient.Request {
        let type = [("Content-Type", "application/x-ndjson")]
        return try BenchRequests.template(.POST, url, headers: streams.authorization + type + headers)
    }

    /// Events that are due together, as the body of an append.
    ///
    /// - Parameters:
    ///   - number: Which body of the run it is.
    ///   - shape: How many events a body has, and how long each is.
    static func body(_ number: Int, due: UInt64, _ shape: BodyShape) -> [UInt8] {
        var body: [UInt8] = []
        body.reserveCapacity(shape.events * shape.bytes)
        for place in 0..<shape.events {
            let sequence = UInt64(number * shape.events + place)
            body += EventMark(clock: EventMark.thisClock, sequence: sequence, due: due).line(bytes: shape.bytes)
        }
        return body
    }

    /// A lane that sends each body with a POST of its own.
    ///
    /// - Parameter numbered: Whether with the headers that make an append safe to repeat.
    func atomicLane(
        _ url: String,
        _ shape: BodyShape,
        _ schedule: Schedule,
        numbered: Bool = false
    ) throws -> Lane.Send {
        let template = try appending(url)
        let producer = numbered ? AppendedSequence() : nil
        return { number, done in
            let due = schedule.due(number)
            var request = template
            for (name, value) in producer?.headers ?? [] { request.headers.add(name: name, value: value) }
            request.body = .byteBuffer(ByteBuffer(bytes: Self.body(number, due: due, shape)))
            let append = AtomicAppend(measurements, due: due, events: shape.events) { isAcknowledged in
                if isAcknowledged { producer?.advance() }
                done()
            }
            measurements.count(.requests, at: BenchClock.now)
            _ = client.execute(request: request, delegate: append)
        }
    }

    /// Opens live appends, all at once, and waits until each takes events.
    func openAppends(_ urls: [String]) async throws -> [LiveAppend] {
        let appends = urls.map { _ in LiveAppend(measurements) }
        for (number, append) in appends.enumerated() {
            append.begin(try appending(urls[number]), with: client, on: loop(number))
        }
        let areThere = try await wait(atMost: Self.patienceToOpen) { appends.allSatisfy { $0.isOpen || $0.isOver } }
        guard areThere, appends.allSatisfy(\.isOpen) else {
            throw BenchFailure(
                "live appends could not be opened: " + (measurements.errors.keys.first ?? "no connection within 30 s")
            )
        }
        return appends
    }

    /// A lane that writes each body into an append that stays open.
    func liveLane(_ append: LiveAppend, _ shape: BodyShape, _ schedule: Schedule) -> Lane.Send {
        { number, done in
            append.write(Self.body(number, due: schedule.due(number), shape), events: shape.events, done: done)
        }
    }

    /// Ends live appends, and waits for their answers.
    func finish(_ appends: [LiveAppend]) async throws {
        appends.forEach { $0.finish() }
        let areOver = try await wait(atMost: Self.patience) { appends.allSatisfy(\.isOver) }
        if !areOver {
            measurements.fail("a live append not answered within 10 s of its end", appends.count { !$0.isOver })
        }
    }
}

/// Events of a body, and bytes of an event.
@available(freshet 0.1, *)
struct BodyShape: Sendable, Equatable {
    var events = 1
    var bytes: Int
}

/// The numbers of a producer that sends one append at a time. Everything shared is behind its mutex.
@available(freshet 0.1, *)
private final class AppendedSequence: Sendable {
    private let id = RandomToken.text()
    private let next = Mutex(0)

    var headers: [(String, String)] {
        [("Producer-Id", id), ("Producer-Epoch", "0"), ("Producer-Seq", "\(next.withLock { $0 })")]
    }

    /// The one that was sent is acknowledged. One that is not is sent again as the next, as a producer does.
    func advance() { next.withLock { $0 += 1 } }
}
