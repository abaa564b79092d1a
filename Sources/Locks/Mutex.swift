#if canImport(Darwin) || FRESHET_THREAD_SANITIZER
#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#elseif canImport(Darwin)
import Darwin
#endif

/// Stands in for the standard library's `Mutex` where that cannot be.
///
/// Apple's systems have it since macOS 15 and iOS 18, and a server must not raise what the clients need. On Linux it is
/// a futex in a library which is not instrumented: the thread sanitizer sees nothing that orders two critical sections,
/// and reports every one of them. It knows POSIX mutexes.
///
/// `@unchecked Sendable`: the value is touched under the lock only, and the lock's memory never moves or goes while
/// the value is there.
@available(freshet 0.1, *)
package struct Mutex<Value: ~Copyable>: ~Copyable, @unchecked Sendable {
    private let lock: UnsafeMutablePointer<pthread_mutex_t>
    private let value: UnsafeMutablePointer<Value>

    package init(_ value: consuming sending Value) {
        lock = .allocate(capacity: 1)
        let result = pthread_mutex_init(lock, nil)
        precondition(result == 0, "a mutex cannot be made: \(result)")
        self.value = .allocate(capacity: 1)
        self.value.initialize(to: value)
    }

    deinit {
        value.deinitialize(count: 1)
        value.deallocate()
        pthread_mutex_destroy(lock)
        lock.deallocate()
    }

    package borrowing func withLock<Result: ~Copyable, Failure: Error>(
        _ body: (inout sending Value) throws(Failure) -> sending Result
    ) throws(Failure) -> sending Result {
        pthread_mutex_lock(lock)
        defer { pthread_mutex_unlock(lock) }
        return try body(&value.pointee)
    }
}
#else
/// `Mutex` is the standard library's.
@_exported public import Synchronization
#endif
