import NIOPosix

/// A thread beside the event loops, for what takes milliseconds: lists, and whatever becomes due for many streams at
/// once. An actor that works on it keeps no connection waiting.
///
/// What is asked of it is done one after the other, so that many such requests take no more than one core.
@available(freshet 0.1, *)
package final class BackgroundThread: SerialExecutor {
    /// Requests that look at many streams.
    package static let requests = BackgroundThread()
    /// What becomes due with time.
    package static let upkeep = BackgroundThread()
    /// What others are told of ends.
    package static let hooks = BackgroundThread()

    private let pool = NIOThreadPool(numberOfThreads: 1)

    private init() { pool.start() }

    package func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        pool.submit { [self] _ in job.runSynchronously(on: asUnownedSerialExecutor()) }
    }

    package func asUnownedSerialExecutor() -> UnownedSerialExecutor { UnownedSerialExecutor(ordinary: self) }
}
