import AsyncHTTPClient
import Locks
import NIOCore
import NIOPosix

/// What a mode works with while it runs.
@available(freshet 0.1, *)
struct BenchContext: Sendable {
    /// How long it is waited for what the server still owes at the end.
    static let patience = Duration.seconds(10)
    /// How long it is waited for all readers to be there.
    static let patienceToOpen = Duration.seconds(30)

    /// Connections that are being opened at a time, before anything is measured.
    private static let openedAtATime = 256

    let options: BenchSettings
    let streams: BenchStreams
    let measurements: Measurements
    let client: HTTPClient
    let loops: [any EventLoop]

    /// The times of the run.
    struct Timeline: Sendable {
        var start: UInt64
        /// What is due from here on is measured.
        var from: UInt64
        var until: UInt64
    }

    /// From now on, with a moment to begin.
    func timeline() -> Timeline {
        let start = BenchClock.now + 50_000_000
        let from = start + UInt64(options.warmup * 1e9)
        let until = from + UInt64(options.duration * 1e9)
        measurements.measure(from: from, until: until)
        return Timeline(start: start, from: from, until: until)
    }

    func loop(_ number: Int) -> any EventLoop { loops[number % loops.count] }

    /// Waits for what the network brings; looks every few milliseconds, which nothing that is measured depends on.
    ///
    /// - Returns: Whether it came in time.
    func wait(atMost patience: Duration, until isThere: () -> Bool) async throws -> Bool {
        let end = ContinuousClock.now + patience
        while !isThere() {
            guard ContinuousClock.now < end else { return false }
            try await Task.sleep(for: .milliseconds(5))
        }
        return true
    }

    /// Waits until this time of the run's clock.
    func wait(until time: UInt64) async throws {
        let now = BenchClock.now
        if time > now { try await Task.sleep(for: .nanoseconds(time - now)) }
    }

    /// Sends what a schedule says, on so many lanes, and waits until all is sent and done.
    ///
    /// - Parameters:
    ///   - what: What is sent, for the error of what could not be.
    ///   - patience: How long it is waited for the last answers.
    ///   - makeLane: The lane of a number and on which loop it sends.
    func send(
        _ schedule: Schedule,
        lanes count: Int,
        what: String,
        patience: Duration = Self.patience,
        _ makeLane: (_ number: Int, _ loop: any EventLoop) throws -> Lane.Send
    ) async throws {
        let lanes = try (0..<count).map { number in
            Lane(first: number, step: count, loop: loop(number), send: try makeLane(number, loop(number)))
        }
        // A loop without a lane has nothing to tell.
        let pacers = loops.indices.prefix(count).map { index in
            Pacer(
                schedule,
                lanes: lanes.enumerated().map { $0.offset % loops.count == index ? $0.element : nil },
                loop: loops[index],
                measurements: measurements
            )
        }
        defer {
            pacers.forEach { $0.stop() }
            lanes.forEach { $0.stop() }
        }
        pacers.forEach { $0.begin() }
        try await wait(until: schedule.due(schedule.count - 1))
        let isDone = try await wait(atMost: patience) {
            pacers.allSatisfy(\.isDone) && lanes.allSatisfy(\.isIdle)
        }
        guard !isDone else { return }
        let unsent = lanes.reduce(0) { $0 + $1.unsent }
        if unsent > 0 { measurements.fail("\(what) never sent: those before were not answered", unsent) }
        let unanswered = lanes.count { !$0.isIdle && $0.unsent == 0 }
        if unanswered > 0 {
            measurements.fail("\(what) not answered within \(patience.components.seconds) s of the end", unanswered)
        }
    }

    /// Opens readers, some at a time, and waits until each has a response.
    ///
    /// - Throws: ``BenchFailure`` when not all of them have one in time.
    func open(_ readers: [FollowingReader], _ request: (Int) throws -> HTTPClient.Request) async throws {
        for first in stride(from: 0, to: readers.count, by: Self.openedAtATime) {
            let group = readers[first..<min(readers.count, first + Self.openedAtATime)]
            for number in group.indices {
                _ = client.execute(request: try request(number), delegate: readers[number])
            }
            let areThere = try await wait(atMost: Self.patienceToOpen) {
                group.allSatisfy { $0.isOpen || $0.isOver }
            }
            guard areThere, group.allSatisfy(\.isOpen) else {
                let open = readers.count { $0.isOpen }
                let why = measurements.errors.max { $0.value < $1.value }?.key ?? "no response within 30 s"
                throw BenchFailure("only \(open) of \(readers.count) readers could be opened: \(why)\(sharing)")
            }
        }
    }

    /// Why requests may not fit on a connection; empty where each has its own.
    private var sharing: String {
        guard measurements.protocols.contains("HTTP/2") else { return "" }
        return "; over HTTP/2 they share a connection, on which a server takes so many (http2-streams): "
            + "with --http1 each has its own"
    }

    /// Waits until readers have so many events, and counts those that they lack.
    func settle(_ counter: Measurements.Counter, expected: Int) async throws {
        _ = try await wait(atMost: Self.patience) { measurements.count(counter).all >= expected }
        let received = measurements.count(counter).all
        if received < expected { measurements.fail("an event that a reader lacks", expected - received) }
        if received > expected { measurements.fail("an event that a reader has twice", received - expected) }
    }
}

/// Why a run cannot go on, in one sentence for a person.
@available(freshet 0.1, *)
struct BenchFailure: Error, CustomStringConvertible {
    var description: String

    init(_ description: String) {
        self.description = description
    }
}
