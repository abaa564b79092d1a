import Locks
package import Logging
import NIOPosix

/// Who did what: a line for each request, and two for one that goes on. Event loops hand lines over and go on; a thread
/// writes them. What does not fit into what waits for it is left out and counted: a server never waits for its log.
@available(freshet 0.1, *)
package final class AccessLog: Sendable {
    /// The most bytes that wait to be written.
    package static let most = 4 << 20

    private struct State {
        var waiting: [UInt8] = []
        var isWriting = false
        var reopens = false
        var dropped = 0
        var reads = 0
    }

    let proxies: TrustedProxies
    private let output: any AccessLogOutput
    private let logger: Logger
    private let state = Mutex(State())
    private let writer = Mutex(Writer())
    private let pool = NIOThreadPool(numberOfThreads: 1)

    /// What the thread knows that writes.
    private struct Writer {
        /// It was told that nothing can be written.
        var isFailing = false
        /// What was written last is the beginning of a line.
        var isInLine = false
    }

    /// - Parameters:
    ///   - proxies: those whose word counts about who sent a request.
    ///   - logger: told once when lines cannot be written, and once when they can again.
    package init(to output: any AccessLogOutput, proxies: TrustedProxies, logger: Logger) {
        self.output = output
        self.proxies = proxies
        self.logger = logger
        pool.start()
    }

    deinit { pool.shutdownGracefully { _ in } }

    /// Opens what is written to. Before that every line is lost.
    package func open() throws(AccessLogTrouble) { try output.open() }

    /// Opens the file again under its name, as whoever has moved it away asks for. Returns at once.
    package func reopen() { hand { $0.reopens = true } }

    /// Lines that were not written, because they came faster than they could be, or because they could not.
    package var dropped: Int { state.withLock(\.dropped) }

    /// Waits until everything is written, but not longer than a second: whoever goes does not wait for a reader.
    package func flush() async {
        let clock = EventLoopClock()
        let last = clock.now + .seconds(1)
        while state.withLock(\.isWriting), clock.now < last { try? await clock.sleep(for: .milliseconds(5)) }
    }

    /// A number for the two lines of one request, which no other has while the server runs.
    func nextNumber() -> Int {
        state.withLock { state in
            state.reads += 1
            return state.reads
        }
    }

    /// - Parameter line: with its line feed.
    func write(_ line: [UInt8]) {
        hand { state in
            guard state.waiting.count + line.count <= Self.most else { return state.dropped += 1 }
            state.waiting += line
        }
    }

    private func hand(_ body: (inout State) -> Void) {
        let begins = state.withLock { state in
            body(&state)
            guard !state.isWriting, state.reopens || !state.waiting.isEmpty else { return false }
            state.isWriting = true
            return true
        }
        if begins { pool.submit { [self] _ in writeAll() } }
    }

    private func writeAll() {
        while let (lines, reopens) = take() {
            if reopens { openAgain() }
            if !lines.isEmpty { writeOut(lines) }
        }
    }

    /// What is to be done; nil when that is nothing, and then the next line begins anew.
    private func take() -> (lines: [UInt8], reopens: Bool)? {
        state.withLock { state in
            guard state.reopens || !state.waiting.isEmpty else {
                state.isWriting = false
                return nil
            }
            defer {
                state.waiting = []
                state.reopens = false
            }
            return (state.waiting, state.reopens)
        }
    }

    private func openAgain() {
        do throws(AccessLogTrouble) {
            try output.open()
        } catch {
            logger.error(
                "The access log was not reopened: its lines still go where they went.",
                metadata: ["file": "\(output.name)", "error": "\(error.reason)"]
            )
            return
        }
        writer.withLock { $0.isInLine = false }
    }

    private func writeOut(_ lines: [UInt8]) {
        let lineFeed = UInt8(ascii: "\n")
        let isInLine = writer.withLock(\.isInLine)
        // Half a line that was all there was room for is no part of the next.
        let bytes = isInLine ? [lineFeed] + lines : lines
        let (count, failure) = output.write(bytes)
        let lost = bytes[count...].count { $0 == lineFeed } - (isInLine && count == 0 ? 1 : 0)
        let wasFailing = writer.withLock { writer in
            if count > 0 { writer.isInLine = bytes[count - 1] != lineFeed }
            defer { writer.isFailing = failure != nil }
            return writer.isFailing
        }
        if lost > 0 { state.withLock { $0.dropped += lost } }
        switch (wasFailing, failure) {
        case (false, let failure?):
            logger.error(
                "The access log cannot be written: its lines are lost.",
                metadata: ["file": "\(output.name)", "error": "\(failure)"]
            )
        case (true, nil):
            logger.notice(
                "The access log can be written again.",
                metadata: ["file": "\(output.name)", "dropped": .stringConvertible(dropped)]
            )
        default: break
        }
    }
}
