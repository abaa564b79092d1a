import NIOCore
import NIOPosix

/// The continuous clock, with an event loop that wakes whoever sleeps.
///
/// `Task.sleep` and `ContinuousClock` wait in Dispatch. Its pool looks once a second at its threads by way of `/proc`
/// when there is work, and ends the process when it has no file descriptor for that (swift-corelibs-libdispatch,
/// `workqueue.c`): a server must not depend on it.
@available(freshet 0.1, *)
package struct EventLoopClock: Clock {
    package init() {}

    package var now: ContinuousClock.Instant { ContinuousClock().now }

    package var minimumResolution: Duration { ContinuousClock().minimumResolution }

    package func sleep(until deadline: ContinuousClock.Instant, tolerance: Duration? = nil) async throws {
        let wait = TimeAmount(now.duration(to: deadline))
        let waking = MultiThreadedEventLoopGroup.singleton.any().scheduleTask(in: wait) {}
        try await withTaskCancellationHandler {
            do {
                try await waking.futureResult.get()
            } catch {
                throw CancellationError()
            }
        } onCancel: {
            waking.cancel()
        }
    }
}
