import CGlobalExecutor
import NIOCore
import NIOPosix

/// Where Swift Concurrency runs whatever is bound to no executor of its own.
@available(freshet 0.1, *)
enum GlobalExecutor {
    /// Has tasks run on event loops from here on, and not on Dispatch's pool. On Linux that ends the process when it has
    /// no file descriptor to look at its threads with (see `EventLoopClock`); elsewhere its threads are the kernel's.
    ///
    /// NIO has a function for this, which does nothing in a program that has the Swift runtime in it, as releases do.
    ///
    /// - Returns: whether tasks are safe from that.
    static func moveToEventLoops() -> Bool {
        #if os(Linux)
        return freshet_global_executor_set { job in
            guard let job else { return }
            // A job is a reference to what the runtime allocated, and nothing else.
            let unowned = unsafeBitCast(job, to: UnownedJob.self)
            // The loop that this runs on, where it is one of these.
            MultiThreadedEventLoopGroup.singleton.any().executor.enqueue(ExecutorJob(unowned))
        }
        #else
        return true
        #endif
    }
}
