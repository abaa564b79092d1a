#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#elseif canImport(Darwin)
import Darwin
#endif

@available(freshet 0.1, *)
extension DataDirectory {
    /// How to open a database that is only read. Beside one that a server may be using SQLite makes two files, which a
    /// read-only file system does not take; nobody uses it there.
    static func readingMode(_ directory: String) throws(DirectoryError) -> Database.Mode {
        guard access(directory, W_OK) != 0, errno == EROFS else { return .readWrite }
        let log = database(in: directory) + "-wal"
        var found = stat()
        guard stat(log, &found) == 0, found.st_size > 0 else { return .immutable }
        guard access(database(in: directory) + "-shm", R_OK) == 0 else {
            throw DirectoryError(
                "The data directory \(directory) is on a read-only file system and has a log (\(log)) that was not "
                    + "copied into the database. Copy the directory to a place that can be written, and use the copy."
            )
        }
        return .readOnly
    }
}
