#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#elseif canImport(Darwin)
import Darwin
#endif

/// What a file system has room for, in bytes.
@available(freshet 0.1, *)
package struct DiskRoom: Sendable {
    /// What is free for who is not the superuser.
    package var free: Int
    package var total: Int

    package init(free: Int, total: Int) {
        self.free = free
        self.total = total
    }

    /// What appends leave free, so that there is always room to delete, to end streams, to copy the log into the
    /// database, and to start again: 64 MiB, or an eighth of a disk that is smaller than 512 MiB.
    var reserve: Int { min(64 << 20, total / 8) }

    /// The room on the disk that a directory is on; nil when the system does not tell.
    package static func around(_ directory: String) -> DiskRoom? {
        var found = statvfs()
        guard statvfs(directory, &found) == 0 else { return nil }
        let unit = Int(found.f_frsize)
        return DiskRoom(free: Int(found.f_bavail) * unit, total: Int(found.f_blocks) * unit)
    }
}
