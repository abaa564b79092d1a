import CSQLite

/// How long the write-ahead log was after the last commit, in pages.
@available(freshet 0.1, *)
final class LogSize {
    private(set) var pages = 0

    init(_ database: Database) {
        // The connection and this object belong to the writer, which keeps both as long as itself.
        sqlite3_wal_hook(
            database.handle,
            { context, _, _, pages in
                guard let context else { return SQLITE_OK }
                Unmanaged<LogSize>.fromOpaque(context).takeUnretainedValue().pages = Int(pages)
                return SQLITE_OK
            },
            Unmanaged.passUnretained(self).toOpaque()
        )
    }
}
