#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#elseif canImport(Darwin)
import Darwin
#endif

/// The process's file descriptors, of which every connection takes one.
@available(freshet 0.1, *)
package enum OpenFiles {
    /// How many there may be now: the soft limit.
    package static var limit: Int {
        var found = rlimit()
        guard getrlimit(resource, &found) == 0 else { return .max }
        return Int(clamping: found.rlim_cur)
    }

    /// Raises the soft limit to the hard one. It concerns the whole process, so it is for the program to do.
    package static func raiseLimit() {
        var found = rlimit()
        guard getrlimit(resource, &found) == 0, found.rlim_cur < found.rlim_max else { return }
        found.rlim_cur = found.rlim_max
        #if canImport(Darwin)
        // The kernel refuses more than this, also where it says that there is no limit.
        found.rlim_cur = min(found.rlim_max, rlim_t(OPEN_MAX))
        #endif
        setrlimit(resource, &found)
    }

    /// How many there are now; nil when the system does not tell.
    static var count: Int? {
        guard let directory = opendir("/dev/fd") else { return nil }
        defer { closedir(directory) }
        var count = 0
        while let entry = readdir(directory) {
            // Neither `.` nor `..`, nor hidden names, of which there are none.
            if entry.pointee.d_name.0 != CChar(UInt8(ascii: ".")) { count += 1 }
        }
        // Looking takes one too.
        return count - 1
    }

    #if canImport(Glibc)
    private static var resource: CInt { CInt(RLIMIT_NOFILE.rawValue) }
    #else
    private static var resource: CInt { RLIMIT_NOFILE }
    #endif
}
