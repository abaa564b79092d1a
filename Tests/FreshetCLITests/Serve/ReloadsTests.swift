import Foundation
import FreshetServer
import Locks
import StoreSuite
import Testing

@testable import FreshetCLI

@Suite("Reloads by a timer and by a signal", .timeLimit(.minutes(1)))
final class ReloadsTests {
    private let file = FileManager.default.temporaryDirectory.appending(path: "freshet-\(UUID().uuidString)")
    private let clock = HeldClock()
    private let server = ReloadedServer()
    private let reloads: Reloads
    private let interval = Duration.seconds(60)

    init() throws {
        try Data("first".utf8).write(to: file)
        let paths = [file.path]
        reloads = Reloads(since: FileContents(of: paths)) {
            FileContents(of: paths)
        } reload: { [server] in
            await server.reload($0)
        }
    }

    deinit {
        try? FileManager.default.removeItem(at: file)
    }

    private func write(_ text: String) throws { try Data(text.utf8).write(to: file) }

    /// The timer while the body runs. It ends when it is cancelled.
    private func whileLooking(_ body: () async throws -> Void) async throws {
        let looking = Task { [reloads, interval, clock] in await reloads.keepLooking(every: interval, clock: clock) }
        defer { looking.cancel() }
        try await body()
        looking.cancel()
        await looking.value
        #expect(clock.times.isEmpty)
    }

    /// A look, after a time; it is over when the timer sleeps again.
    private func look(after time: Duration) async {
        await clock.pass(time)
        while clock.times.isEmpty { await Task.yield() }
    }

    @Test("Looks that find nothing changed read nothing")
    func unchanged() async throws {
        try await whileLooking {
            for _ in 0..<3 { await look(after: interval) }
            try write("first")
            for _ in 0..<3 { await look(after: interval) }
        }
        #expect(server.occasions.isEmpty)
    }

    @Test("A change is taken once the next look, which comes soon, finds the same, and then once")
    func changed() async throws {
        try await whileLooking {
            try write("half")
            await look(after: interval)
            try write("half and half")
            await look(after: Reloads.pause)
            #expect(server.occasions.isEmpty, "it may be being written")
            await look(after: Reloads.pause)
            #expect(server.occasions == [.change])
            for _ in 0..<3 { await look(after: interval) }
        }
        #expect(server.occasions == [.change])
    }

    @Test("A change that is taken back before it counts is none")
    func takenBack() async throws {
        try await whileLooking {
            try write("other")
            await look(after: interval)
            try write("first")
            await look(after: Reloads.pause)
            await look(after: interval)
        }
        #expect(server.occasions.isEmpty)
    }

    @Test("What is wrong is tried again without a word, and told anew when it changes")
    func broken() async throws {
        try await whileLooking {
            server.takes = false
            try write("broken")
            await look(after: interval)
            await look(after: Reloads.pause)
            #expect(server.occasions == [.change])
            await look(after: interval)
            await look(after: interval)
            #expect(server.occasions == [.change, .retry, .retry])
            try write("mended")
            await look(after: interval)
            server.takes = true
            await look(after: Reloads.pause)
            await look(after: interval)
        }
        #expect(server.occasions == [.change, .retry, .retry, .change])
    }

    @Test("What a signal has taken no timer takes again")
    func signal() async throws {
        try await whileLooking {
            try write("other")
            await reloads.now()
            for _ in 0..<3 { await look(after: interval) }
            await reloads.now()
        }
        #expect(server.occasions == [.signal, .signal])
    }

    @Test("What changes while everything is read again is found by the next looks")
    func changedMeanwhile() async throws {
        let reloads = self.reloads
        try await whileLooking {
            server.hold()
            async let signal: Void = reloads.now()
            await server.untilReloading()
            try write("other")
            server.release()
            await signal
            await look(after: interval)
            await look(after: Reloads.pause)
        }
        #expect(server.occasions == [.signal, .change])
    }

    @Test("There is one reload at a time, whoever asks")
    func oneAtATime() async throws {
        let reloads = self.reloads
        try await whileLooking {
            server.hold()
            async let first: Void = reloads.now()
            await server.untilReloading()
            async let second: Void = reloads.now()
            try write("other")
            // The timer's look waits for the reloads before it.
            await clock.pass(interval)
            for _ in 0..<100 { await Task.yield() }
            #expect(server.occasions == [.signal] && clock.times.isEmpty)
            server.release()
            await first
            await second
            while clock.times.isEmpty { await Task.yield() }
        }
        #expect(server.occasions == [.signal, .signal])
        #expect(server.most == 1)
    }

    @Test("An interval below the pause is kept to")
    func shortInterval() async throws {
        let short = Duration.milliseconds(50)
        let looking = Task { [reloads, clock] in await reloads.keepLooking(every: short, clock: clock) }
        try write("other")
        await look(after: short)
        await look(after: short)
        #expect(server.occasions == [.change])
        looking.cancel()
        await looking.value
    }
}

/// What stands for a server: it notes what it is reloaded for.
private final class ReloadedServer: Sendable {
    private struct State {
        var occasions: [ReloadOccasion] = []
        var takes = true
        var isHeld = false
        var running = 0
        var most = 0
    }

    private let state = Mutex(State())

    var occasions: [ReloadOccasion] { state.withLock(\.occasions) }
    /// How many ran at once.
    var most: Int { state.withLock(\.most) }
    /// Whether what is read is right.
    var takes: Bool {
        get { state.withLock(\.takes) }
        set { state.withLock { $0.takes = newValue } }
    }

    /// Reloads begin, and do not end before they are released.
    func hold() { state.withLock { $0.isHeld = true } }
    func release() { state.withLock { $0.isHeld = false } }

    func untilReloading() async { while state.withLock({ $0.running == 0 }) { await Task.yield() } }

    func reload(_ occasion: ReloadOccasion) async -> Bool {
        state.withLock { state in
            state.occasions.append(occasion)
            state.running += 1
            state.most = max(state.most, state.running)
        }
        while state.withLock(\.isHeld) { await Task.yield() }
        return state.withLock { state in
            state.running -= 1
            return state.takes
        }
    }
}
