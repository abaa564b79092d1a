import FreshetServer
import Locks
import Logging
import NIOPosix
import StreamCore
import StreamHTTP

/// Lines of the log on their way to standard error. Whoever logs does not wait until somebody reads: a thread writes,
/// and what does not fit into what waits for it is left out and counted.
@available(freshet 0.1, *)
final class LogOutput: Sendable {
    /// The most bytes that wait to be written.
    static let most = 1 << 20

    private struct State {
        var waiting: [UInt8] = []
        var leftOut = 0
        var isWriting = false
        var level = Logger.Level.info
    }

    /// The least that is written. Shared by all loggers, and changed while they log.
    var level: Logger.Level {
        get { state.withLock(\.level) }
        set { state.withLock { $0.level = newValue } }
    }

    private let format: LogFormat
    private let write: @Sendable ([UInt8]) -> Void
    private let state = Mutex(State())
    private let pool = NIOThreadPool(numberOfThreads: 1)

    /// - Parameter write: writes all of it, however long that takes.
    init(_ format: LogFormat, write: @escaping @Sendable ([UInt8]) -> Void = LogOutput.toStandardError) {
        self.format = format
        self.write = write
        pool.start()
    }

    deinit { pool.shutdownGracefully { _ in } }

    func put(_ line: LogLine) {
        let bytes = line.bytes(as: format)
        let begins = state.withLock { state in
            guard state.waiting.count + bytes.count <= Self.most else {
                state.leftOut += 1
                return false
            }
            state.waiting += bytes
            defer { state.isWriting = true }
            return !state.isWriting
        }
        if begins { pool.submit { [self] _ in writeAll() } }
    }

    private func writeAll() {
        while let bytes = take() { write(bytes) }
    }

    /// What waits; nil when nothing does, and then the next line begins anew.
    private func take() -> [UInt8]? {
        state.withLock { state in
            guard !state.waiting.isEmpty else {
                state.isWriting = false
                return nil
            }
            defer {
                state.waiting = []
                state.leftOut = 0
            }
            guard state.leftOut > 0 else { return state.waiting }
            let note = LogLine(
                milliseconds: SystemTime().wallMilliseconds(),
                level: .warning,
                label: "freshet",
                message: "Lines of this log were left out, because nobody took them.",
                metadata: ["left-out": .stringConvertible(state.leftOut)]
            )
            return state.waiting + note.bytes(as: format)
        }
    }

    /// Returns when everything is written, or after a second: a program that ends does not wait for a reader.
    func flush() async {
        let clock = EventLoopClock()
        let last = clock.now + .seconds(1)
        while state.withLock(\.isWriting), clock.now < last { try? await clock.sleep(for: .milliseconds(5)) }
    }

    static let toStandardError: @Sendable ([UInt8]) -> Void = { _ = Descriptor.standardError.write($0) }
}
