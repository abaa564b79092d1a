#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#elseif canImport(Darwin)
import Darwin
#endif

/// Keeps servers from using a directory, as long as this lives, and changes nothing in it: it may be a snapshot on a
/// read-only file system.
@available(freshet 0.1, *)
final class DirectoryHold: Sendable {
    private let files: [Int32]

    init(_ path: String) throws(DirectoryError) {
        guard access(DataDirectory.database(in: path), R_OK) == 0 else {
            throw DirectoryError("There is no data directory \(path): \(DataDirectory.reason).")
        }
        var files: [Int32] = []
        for name in [path, "\(path)/\(DataDirectory.lockName)"] {
            let file = open(name, O_RDONLY | O_CLOEXEC)
            if file >= 0 { files.append(file) }
        }
        self.files = files
        // Several may read. What cannot be locked is on a file system on which no server could lock it either.
        for file in files where flock(file, LOCK_SH | LOCK_NB) != 0 && errno == EWOULDBLOCK {
            throw DirectoryError(
                "The data directory \(path) is in use by a server. Stop it first, or copy what `freshet backup` makes "
                    + "of it beside the server."
            )
        }
    }

    deinit {
        for file in files {
            flock(file, LOCK_UN)
            close(file)
        }
    }
}
