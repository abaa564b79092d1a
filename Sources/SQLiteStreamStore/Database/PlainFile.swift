import CSQLite

/// A file beside the database, through the same file layer, so that what a test's layer does to the database's files
/// it does to this one. Used by one thread at a time.
@available(freshet 0.1, *)
final class PlainFile {
    private let file: UnsafeMutablePointer<sqlite3_file>
    private let path: UnsafeMutablePointer<CChar>

    /// Opens a file by SQLite's flags for access. Where one is made its name is on the disk with its first sync.
    init(_ path: String, access: Int32, layer: String?) throws(SQLiteError) {
        guard let vfs = sqlite3_vfs_find(layer) else {
            preconditionFailure("there is no file layer \(layer ?? "of the platform's own")")
        }
        let size = Int(vfs.pointee.szOsFile)
        let memory = UnsafeMutableRawPointer.allocate(byteCount: size, alignment: 16)
        memory.initializeMemory(as: UInt8.self, repeating: 0, count: size)
        file = memory.bindMemory(to: sqlite3_file.self, capacity: 1)
        // The layer keeps the name. It has to end like one that comes from SQLite: without parameters.
        let bytes = path.utf8CString + [0, 0, 0]
        self.path = .allocate(capacity: bytes.count)
        self.path.initialize(from: Array(bytes), count: bytes.count)
        // To SQLite it is a journal that belongs to no database in particular: that is synced and locks nothing.
        let code = vfs.pointee.xOpen(vfs, self.path, file, access | SQLITE_OPEN_SUPER_JOURNAL, nil)
        guard code == SQLITE_OK else {
            throw Self.error(code, systemError: vfs.pointee.xGetLastError(vfs, 0, nil), "opening it")
        }
    }

    deinit {
        if let methods = file.pointee.pMethods { _ = methods.pointee.xClose(file) }
        UnsafeMutableRawPointer(file).deallocate()
        path.deallocate()
    }

    /// The bytes at a position; zeros where there are none.
    func read(_ count: Int, at position: Int) throws(SQLiteError) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: count)
        let code = file.pointee.pMethods.pointee.xRead(file, &bytes, Int32(count), Int64(position))
        // `SQLITE_IOERR_SHORT_READ`, which Swift does not import: the file ends before, and the rest was set to zero.
        guard code == SQLITE_OK || code == SQLITE_IOERR | 2 << 8 else { throw error(code, "reading it") }
        return bytes
    }

    func write(_ bytes: [UInt8], at position: Int) throws(SQLiteError) {
        let code = file.pointee.pMethods.pointee.xWrite(file, bytes, Int32(bytes.count), Int64(position))
        guard code == SQLITE_OK else { throw error(code, "writing it") }
    }

    func sync() throws(SQLiteError) {
        let code = file.pointee.pMethods.pointee.xSync(file, SQLITE_SYNC_NORMAL)
        guard code == SQLITE_OK else { throw error(code, "syncing it") }
    }

    private func error(_ code: Int32, _ action: String) -> SQLiteError {
        var systemError: Int32 = 0
        _ = file.pointee.pMethods.pointee.xFileControl(file, SQLITE_FCNTL_LAST_ERRNO, &systemError)
        return Self.error(code, systemError: systemError, action)
    }

    private static func error(_ code: Int32, systemError: Int32, _ action: String) -> SQLiteError {
        let message = String(cString: sqlite3_errstr(code))
        return SQLiteError(code: code, systemError: systemError, message: message, action: action)
    }
}
