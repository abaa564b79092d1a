#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#elseif canImport(Darwin)
import Darwin
#endif

/// Which directory and which files a server opened, to see whether they are still what their names mean.
///
/// An open file can be written and synced when it has no name any more. Nobody would ever read it.
@available(freshet 0.1, *)
struct DirectoryStanding: Sendable {
    private struct Identity: Equatable {
        var device: dev_t
        var inode: ino_t

        init(_ found: stat) {
            device = found.st_dev
            inode = found.st_ino
        }
    }

    private let directory: Identity?
    private let files: [(name: String, identity: Identity)]

    private static let names = [
        DataDirectory.databaseName, DataDirectory.databaseName + "-wal", DataDirectory.databaseName + "-shm",
        DataDirectory.markName,
    ]

    /// How it stands now: the directory and the lock as they were opened, the others as they are found.
    init(of path: String, in descriptor: Int32, lock: Int32) {
        var found = stat()
        directory = fstat(descriptor, &found) == 0 ? Identity(found) : nil
        var files: [(String, Identity)] = []
        if fstat(lock, &found) == 0 { files.append((DataDirectory.lockName, Identity(found))) }
        for name in Self.names where fstatat(descriptor, name, &found, 0) == 0 {
            files.append((name, Identity(found)))
        }
        self.files = files
    }

    func loss(of path: String, in descriptor: Int32) -> String? {
        var found = stat()
        if let directory {
            if stat(path, &found) != 0 { return Self.tell("The data directory \(path)", errno) }
            if Identity(found) != directory { return Self.tell("The data directory \(path)", nil) }
        }
        for file in files {
            if fstatat(descriptor, file.name, &found, 0) != 0 { return Self.tell("\(path)/\(file.name)", errno) }
            if Identity(found) != file.identity { return Self.tell("\(path)/\(file.name)", nil) }
        }
        return nil
    }

    /// - Parameter error: why it is not found; nil when another stands in its place.
    private static func tell(_ what: String, _ error: Int32?) -> String? {
        switch error {
        case nil: "\(what) was replaced while the server used it."
        case ENOENT, ENOTDIR: "\(what) was deleted or moved while the server used it."
        // A disk that does not answer, or a right that was taken: what is open may still be what is named.
        default: nil
        }
    }
}
