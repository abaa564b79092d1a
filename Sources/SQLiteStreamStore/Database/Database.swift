import CSQLite

/// One connection to a database. Used by one thread at a time: whoever owns it sees to that.
@available(freshet 0.1, *)
final class Database {
    let handle: OpaquePointer
    private var isClosed = false
    let path: String

    enum Mode {
        case readWrite, readWriteCreate, readOnly
        /// Read without locks and without looking for a log: the file system cannot be written, so nothing changes.
        case immutable
    }

    init(path: String, mode: Mode, vfs: String? = nil) throws(SQLiteError) {
        var handle: OpaquePointer?
        let access =
            switch mode {
            case .readWrite: SQLITE_OPEN_READWRITE
            case .readWriteCreate: SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE
            case .readOnly: SQLITE_OPEN_READONLY
            case .immutable: SQLITE_OPEN_READONLY | SQLITE_OPEN_URI
            }
        let name = mode == .immutable ? Self.immutableURI(path) : path
        // No mutex of SQLite's own: a connection never leaves the thread that uses it.
        let code = sqlite3_open_v2(name, &handle, access | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE, vfs)
        guard let handle else {
            throw SQLiteError(code: code, systemError: 0, message: "out of memory", action: "opening \(path)")
        }
        self.handle = handle
        self.path = path
        guard code == SQLITE_OK else { throw error("opening \(path)") }
        sqlite3_busy_timeout(handle, 5000)
        // A damaged cell is found when its page is read, not when it has been followed.
        try execute("PRAGMA cell_size_check=ON")
        try execute("PRAGMA trusted_schema=OFF")
    }

    private static func immutableURI(_ path: String) -> String {
        let name = path.utf8.flatMap { byte -> [UInt8] in
            switch byte {
            case UInt8(ascii: "%"): Array("%25".utf8)
            case UInt8(ascii: "?"): Array("%3f".utf8)
            case UInt8(ascii: "#"): Array("%23".utf8)
            default: [byte]
            }
        }
        return "file:\(String(decoding: name, as: UTF8.self))?immutable=1"
    }

    deinit { close() }

    /// Closes it now rather than with the last reference. Statements that are left finish it when they go.
    func close() {
        guard !isClosed else { return }
        isClosed = true
        sqlite3_close_v2(handle)
    }

    func execute(_ sql: String) throws(SQLiteError) {
        guard sqlite3_exec(handle, sql, nil, nil, nil) == SQLITE_OK else { throw error("running \(sql.prefix(40))") }
    }

    func prepare(_ sql: String) throws(SQLiteError) -> Statement { try Statement(self, sql) }

    /// The first column of a statement's only row.
    func integer(_ sql: String) throws(SQLiteError) -> Int64 {
        let statement = try prepare(sql)
        guard try statement.step() else { return 0 }
        defer { statement.reset() }
        return statement.integer(0)
    }

    /// Closing it takes no file away, also when it is the last connection: SQLite does that by name, and the name may
    /// be another server's file by now.
    func leaveFilesOnClose() {
        var isOn: Int32 = 1
        sqlite3_file_control(handle, nil, SQLITE_FCNTL_PERSIST_WAL, &isOn)
    }

    /// The error of the last call.
    func error(_ action: String) -> SQLiteError {
        SQLiteError(
            code: sqlite3_extended_errcode(handle),
            systemError: sqlite3_system_errno(handle),
            message: String(cString: sqlite3_errmsg(handle)),
            action: action
        )
    }

    /// Copies finished pages of the write-ahead log into the database, as many as can be without waiting for anyone.
    ///
    /// - Returns: how many pages of the log are left to be copied.
    @discardableResult
    func checkpoint(_ mode: Int32 = SQLITE_CHECKPOINT_PASSIVE) throws(SQLiteError) -> Int {
        var pages: Int32 = 0
        var copied: Int32 = 0
        guard sqlite3_wal_checkpoint_v2(handle, nil, mode, &pages, &copied) == SQLITE_OK else {
            throw error("copying the write-ahead log into the database")
        }
        return Int(max(pages - copied, 0))
    }
}
