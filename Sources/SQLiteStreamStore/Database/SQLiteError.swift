import CSQLite
import StreamCore

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#elseif canImport(Darwin)
import Darwin
#endif

/// What SQLite answered when it did not do what it was asked.
@available(freshet 0.1, *)
struct SQLiteError: Error, Sendable {
    /// The extended result code.
    let code: Int32
    let systemError: Int32
    let message: String
    /// What was being done, for people.
    let action: String

    /// The format of a database that is newer than this server.
    var newerFormat: Int64?

    init(code: Int32, systemError: Int32, message: String, action: String, newerFormat: Int64? = nil) {
        self.code = code
        self.systemError = systemError
        self.message = message
        self.action = action
        self.newerFormat = newerFormat
    }

    /// The code without its extension.
    var kind: Int32 { code & 0xFF }

    /// There is no room left on the device, by whichever call it was found out.
    var isDiskFull: Bool {
        if kind == SQLITE_FULL { return true }
        guard kind == SQLITE_IOERR || kind == SQLITE_CANTOPEN else { return false }
        return systemError == ENOSPC || systemError == EDQUOT || systemError == EFBIG
    }

    /// What was read is not what SQLite once wrote.
    var isDamage: Bool { kind == SQLITE_CORRUPT || kind == SQLITE_NOTADB || kind == SQLITE_FORMAT }

    var storeError: StoreError {
        if isDiskFull { return .full(.disk) }
        if isDamage { return .damaged("The database fails its check while \(action) (\(description)). \(Self.remedy)") }
        return .unavailable("The data directory cannot be used while \(action): \(description)")
    }

    /// A row that SQLite returned and that is not what was written.
    static func damagedRow(_ action: String) -> SQLiteError {
        SQLiteError(
            code: SQLITE_CORRUPT,
            systemError: 0,
            message: "a row does not match its checksum",
            action: action
        )
    }

    static func newerVersion(_ version: Int64) -> SQLiteError {
        SQLiteError(
            code: SQLITE_NOTADB,
            systemError: 0,
            message: "a newer format",
            action: "reading the version",
            newerFormat: version
        )
    }

    static let remedy = "Stop the server, run `freshet check` on the data directory, and restore a backup."

    var description: String {
        systemError == 0 ? message : "\(message), \(String(cString: strerror(systemError)))"
    }
}
