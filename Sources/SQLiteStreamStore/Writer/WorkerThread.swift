#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#elseif canImport(Darwin)
import Darwin
#endif

/// A thread of our own: SQLite blocks, and the threads that tasks share must not.
@available(freshet 0.1, *)
enum WorkerThread {
    private final class Body {
        let run: () -> Void
        init(_ run: @escaping () -> Void) { self.run = run }
    }

    /// Runs the body on a new thread, to which the caller gives up whatever the body captured.
    static func start(_ body: sending @escaping () -> Void) {
        let boxed = Unmanaged.passRetained(Body(body)).toOpaque()
        #if canImport(Darwin)
        var thread: pthread_t?
        #else
        var thread = pthread_t()
        #endif
        let code = pthread_create(&thread, nil, entry, boxed)
        precondition(code == 0, "the system has no thread left")
        #if canImport(Darwin)
        if let thread { pthread_detach(thread) }
        #else
        pthread_detach(thread)
        #endif
    }

    #if canImport(Darwin)
    private static let entry: @convention(c) (UnsafeMutableRawPointer) -> UnsafeMutableRawPointer? = { boxed in
        Unmanaged<Body>.fromOpaque(boxed).takeRetainedValue().run()
        return nil
    }
    #else
    private static let entry: @convention(c) (UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? = { boxed in
        if let boxed { Unmanaged<Body>.fromOpaque(boxed).takeRetainedValue().run() }
        return nil
    }
    #endif
}
