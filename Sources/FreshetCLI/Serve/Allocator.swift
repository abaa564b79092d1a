#if canImport(Glibc)
import CMalloc
#endif

/// How the process's allocator gives memory back.
@available(freshet 0.1, *)
enum Allocator {
    /// The smallest block that is memory of its own, and goes back to the system as soon as it is freed.
    private static let blockBytes: Int32 = 256 << 10
    /// Free memory at the end of an arena that is kept for what comes next.
    private static let restBytes: Int32 = 1 << 20

    /// glibc raises the first to the largest block that was ever freed, up to 32 MiB, and the second to twice that: after one
    /// large body every arena would keep 64 MiB.
    static func giveMemoryBack() {
        #if canImport(Glibc)
        _ = mallopt(M_MMAP_THRESHOLD, blockBytes)
        _ = mallopt(M_TRIM_THRESHOLD, restBytes)
        #endif
    }
}
