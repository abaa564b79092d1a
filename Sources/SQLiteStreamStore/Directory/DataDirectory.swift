#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#elseif canImport(Darwin)
import Darwin
#endif

/// A directory that one server at a time may use. Its locks last as long as this value's process holds them.
///
/// The directory itself is locked as well as a file in it: somebody may delete the file.
@available(freshet 0.1, *)
final class DataDirectory: Sendable {
    let path: String
    /// The same from the root: where this process is may be moved with all that it holds, and then the way from there
    /// leads to the same directory, which nobody else finds.
    private let place: String
    private let lock: Int32
    private let directory: Int32

    static let databaseName = "freshet.db"
    static let markName = "offset-mark"
    static let lockName = "lock"

    static func database(in path: String) -> String { "\(path)/\(databaseName)" }

    var database: String { Self.database(in: path) }
    var mark: String { "\(path)/\(Self.markName)" }

    /// Makes the directory where it is missing, and takes its lock.
    init(_ path: String) throws(DirectoryError) {
        var made = path.hasPrefix("/") ? "" : "."
        for part in path.split(separator: "/") {
            let parent = made.isEmpty ? "/" : made
            made += "/\(part)"
            if mkdir(made, 0o700) == 0 {
                Self.sync(parent)
            } else if errno != EEXIST {
                throw DirectoryError("The data directory \(path) cannot be made: \(Self.reason).")
            }
        }
        let directory = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard directory >= 0 else {
            throw DirectoryError("The data directory \(path) cannot be used: \(Self.reason).")
        }
        let lock = openat(directory, Self.lockName, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        guard lock >= 0 else {
            let reason = Self.reason
            close(directory)
            throw DirectoryError("The data directory \(path) cannot be used: \(reason).")
        }
        // The locks go with the process, however it dies: a stale file means nothing. A file system of a network may
        // not lock directories: what it says of that is no word about another server.
        let isFree = flock(directory, LOCK_EX | LOCK_NB) == 0 || errno != EWOULDBLOCK
        guard isFree, flock(lock, LOCK_EX | LOCK_NB) == 0 else {
            let holder = Self.holder(lock)
            close(lock)
            close(directory)
            throw DirectoryError(
                "The data directory \(path) is in use by another server\(holder). Stop that one, or give this one "
                    + "a directory of its own with --data."
            )
        }
        ftruncate(lock, 0)
        let text = "\(getpid())\n"
        _ = pwrite(lock, text, text.utf8.count, 0)
        self.path = path
        self.place = Self.fromRoot(path)
        self.lock = lock
        self.directory = directory
    }

    deinit {
        // Not only closed: a child that this process has begun holds the same open files until it runs its own program.
        for file in [lock, directory] {
            flock(file, LOCK_UN)
            close(file)
        }
    }

    func exists(_ file: String) -> Bool { access(file, F_OK) == 0 }

    /// Whether it is a symbolic link, wherever that leads.
    func isLink(_ file: String) -> Bool {
        var found = stat()
        return lstat(file, &found) == 0 && found.st_mode & S_IFMT == S_IFLNK
    }

    /// A new file's name is on the disk only when its directory is.
    func sync() { Self.sync(path) }

    /// Syncs a file or a directory.
    @discardableResult
    static func sync(_ path: String) -> Bool {
        let file = open(path, O_RDONLY | O_CLOEXEC)
        guard file >= 0 else { return false }
        defer { close(file) }
        return fsync(file) == 0
    }

    /// Makes an empty file that nobody else may read.
    static func makePrivate(_ path: String) -> Bool {
        let file = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        return file >= 0 && close(file) == 0
    }

    /// What makes the directory this server's: the directory, and the files in it that are open.
    func standing() -> DirectoryStanding { DirectoryStanding(of: place, in: directory, lock: lock) }

    /// What was taken away or replaced since; nil when everything stands as it did.
    func loss(since standing: DirectoryStanding) -> String? { standing.loss(of: place, in: directory) }

    /// Takes the database's new files from everybody else: SQLite makes them as the umask says.
    func makeDatabasePrivate() {
        for name in [database, database + "-wal", database + "-shm", mark] { chmod(name, 0o600) }
    }

    private static func fromRoot(_ path: String) -> String {
        guard !path.hasPrefix("/"), let here = getcwd(nil, 0) else { return path }
        defer { free(here) }
        return "\(String(cString: here))/\(path)"
    }

    private static func holder(_ lock: Int32) -> String {
        var buffer = [UInt8](repeating: 0, count: 16)
        let count = pread(lock, &buffer, buffer.count, 0)
        guard count > 0 else { return "" }
        let text = String(decoding: buffer.prefix(count).prefix { $0 != UInt8(ascii: "\n") }, as: UTF8.self)
        return " (process \(text))"
    }

    static var reason: String { String(cString: strerror(errno)) }
}
