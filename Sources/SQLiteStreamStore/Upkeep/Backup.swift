import CSQLite

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#elseif canImport(Darwin)
import Darwin
#endif

@available(freshet 0.1, *)
extension SQLiteStreamStore {
    /// Writes a consistent copy of a data directory's database to a file, beside a server that may be running.
    ///
    /// The copy is what was acknowledged at one moment. Put it as `freshet.db` into an empty directory to use it.
    /// The file must not exist; it appears whole or not at all.
    package static func backUp(directory: String, to file: String) throws(DirectoryError) {
        let source = DataDirectory.database(in: directory)
        guard access(source, R_OK) == 0 else {
            throw DirectoryError("There is no data directory \(directory): \(DataDirectory.reason).")
        }
        let mode = try DataDirectory.readingMode(directory)
        guard access(file, F_OK) != 0 else {
            throw DirectoryError("\(file) exists already. Name a file that does not, or remove that one.")
        }
        let unfinished = file + ".unfinished"
        unlink(unfinished)
        // A copy of everything is for its owner alone.
        guard DataDirectory.makePrivate(unfinished) else {
            throw DirectoryError("The copy could not be written to \(file): \(DataDirectory.reason).")
        }
        do throws(SQLiteError) {
            let database = try Database(path: source, mode: mode)
            sqlite3_busy_timeout(database.handle, 60_000)
            freshet_sqlite3_keep_log_on_close(database.handle)
            guard try database.integer("PRAGMA application_id") == Schema.applicationID else {
                throw SQLiteError.damagedRow("looking for a database of Freshet in \(source)")
            }
            // One read transaction over everything, and no page of it that is not in use.
            let copy = try database.prepare("VACUUM INTO ?")
            copy.bind(1, unfinished)
            try copy.run()
        } catch {
            unlink(unfinished)
            throw OpenedDatabase.refusal(directory, error)
        }
        // SQLite does not sync what it vacuums into.
        guard DataDirectory.sync(unfinished), rename(unfinished, file) == 0 else {
            let reason = DataDirectory.reason
            unlink(unfinished)
            throw DirectoryError("The copy could not be written to \(file): \(reason).")
        }
        let parent = file.lastIndex(of: "/").map { String(file[..<$0]) } ?? "."
        DataDirectory.sync(parent.isEmpty ? "/" : parent)
    }
}
