#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#elseif canImport(Darwin)
import Darwin
#endif

/// Hands work from any thread to one that waits for it.
///
/// `@unchecked Sendable`: the variables are touched only while `mutex` is held, and the two pthread objects
/// are heap memory that never moves and is freed when nobody refers to the queue any more.
@available(freshet 0.1, *)
final class WorkQueue<Element: Sendable>: @unchecked Sendable {
    private let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
    private let condition = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)
    private var items: [Element] = []
    private var isWaiting = false
    private var isClosed = false

    init() {
        pthread_mutex_init(mutex, nil)
        var attributes = pthread_condattr_t()
        pthread_condattr_init(&attributes)
        #if !canImport(Darwin)
        pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC)
        #endif
        pthread_cond_init(condition, &attributes)
        pthread_condattr_destroy(&attributes)
    }

    deinit {
        pthread_cond_destroy(condition)
        pthread_mutex_destroy(mutex)
        condition.deallocate()
        mutex.deallocate()
    }

    /// False when nobody takes anything any more.
    func push(_ element: Element) -> Bool {
        pthread_mutex_lock(mutex)
        defer { pthread_mutex_unlock(mutex) }
        guard !isClosed else { return false }
        items.append(element)
        // A thread that is at work looks again by itself: waking it would be a system call for nothing.
        if isWaiting { pthread_cond_signal(condition) }
        return true
    }

    /// Takes nothing more. What was pushed and not taken is for the caller to refuse.
    func close() -> [Element] {
        pthread_mutex_lock(mutex)
        defer { pthread_mutex_unlock(mutex) }
        isClosed = true
        defer { items = [] }
        return items
    }

    var isEmpty: Bool {
        pthread_mutex_lock(mutex)
        defer { pthread_mutex_unlock(mutex) }
        return items.isEmpty
    }

    /// Everything that was pushed, after waiting for something; empty when the time is over.
    func takeAll(waiting longest: Duration) -> [Element] {
        pthread_mutex_lock(mutex)
        defer { pthread_mutex_unlock(mutex) }
        if items.isEmpty { wait(longest) }
        let taken = items
        items = []
        return taken
    }

    private func wait(_ longest: Duration) {
        let (seconds, attoseconds) = longest.components
        isWaiting = true
        #if canImport(Darwin)
        var time = timespec(tv_sec: Int(seconds), tv_nsec: Int(attoseconds / 1_000_000_000))
        while items.isEmpty, pthread_cond_timedwait_relative_np(condition, mutex, &time) == 0 {}
        #else
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        let nanoseconds = Int(time.tv_nsec) + Int(attoseconds / 1_000_000_000)
        time.tv_sec += Int(seconds) + nanoseconds / 1_000_000_000
        time.tv_nsec = nanoseconds % 1_000_000_000
        while items.isEmpty, pthread_cond_timedwait(condition, mutex, &time) == 0 {}
        #endif
        isWaiting = false
    }
}
