import CSQLite
import StreamCore

/// A data directory, locked, checked, and loaded.
@available(freshet 0.1, *)
struct OpenedDatabase {
    let directory: DataDirectory
    let database: Database
    let mark: OffsetMark
    let issuer: OffsetIssuer
    let head: HeadRow
    let recovered: Recovery

    init(_ path: String, _ configuration: SQLiteStoreConfiguration) throws(DirectoryError) {
        directory = try DataDirectory(path)
        let file = directory.database
        guard !directory.isLink(file) else {
            throw DirectoryError(
                "\(file) is a symbolic link. SQLite keeps its log beside what the link leads to, and no lock on \(path) "
                    + "keeps another server from that. Give this server the directory that holds the database, with --data."
            )
        }
        let isNew = !directory.exists(file)
        if isNew, directory.exists(directory.mark) {
            throw DirectoryError(
                "\(file) is missing, but \(path) has been in use. Restore a backup as \(file), or use an empty directory."
            )
        }
        let database: Database
        let recovered: Recovery
        do throws(SQLiteError) {
            database = try Database(path: file, mode: .readWriteCreate, vfs: configuration.fileLayer)
            try Self.prepare(database, configuration)
        } catch {
            throw Self.refusal(path, error)
        }
        try Self.identify(database, directory)
        do throws(SQLiteError) {
            recovered = try Recovery(database)
        } catch {
            throw Self.refusal(path, error)
        }
        if let first = recovered.problems.first { throw Self.damage(path, first) }
        var mark = try OffsetMark(directory.mark, layer: configuration.fileLayer)
        let start = max(mark.value, recovered.head.mark)
        // A mark that is new, or older than the database's own, is brought up before anything is given out.
        do throws(SQLiteError) {
            try mark.write(max(start, recovered.highest.milliseconds + 1))
        } catch {
            throw DirectoryError(
                "\(directory.mark) cannot be written, while \(error.action): \(error.description)."
            )
        }
        if isNew { directory.makeDatabasePrivate() }
        directory.sync()
        self.database = database
        self.mark = mark
        issuer = OffsetIssuer(startingAbove: max(recovered.highest, Offset(milliseconds: start, counter: 0)))
        head = recovered.head
        self.recovered = recovered
    }

    private static func prepare(_ database: Database, _ configuration: SQLiteStoreConfiguration) throws(SQLiteError) {
        // Both count only for a database that has no page yet.
        try database.execute("PRAGMA page_size=4096")
        try database.execute("PRAGMA auto_vacuum=INCREMENTAL")
        guard try database.prepare("PRAGMA journal_mode=WAL").firstText() == "wal" else {
            throw database.error("turning on the write-ahead log")
        }
        try database.execute("PRAGMA synchronous=\(configuration.durability == .fsync ? "FULL" : "NORMAL")")
        // The checkpointer does it, and the writer where that falls behind.
        try database.execute("PRAGMA wal_autocheckpoint=0")
        try database.execute("PRAGMA journal_size_limit=\(16 << 20)")
        try database.execute("PRAGMA cache_size=-8192")
        if let pages = configuration.maximumPages { try database.execute("PRAGMA max_page_count=\(pages)") }
    }

    /// Refuses what is not a database of ours, or not of this version; makes the tables of a new one.
    private static func identify(_ database: Database, _ directory: DataDirectory) throws(DirectoryError) {
        let path = directory.path
        do throws(SQLiteError) {
            let version = try database.integer("PRAGMA user_version")
            let application = try database.integer("PRAGMA application_id")
            let found = try schema(of: database)
            if version == 0, application == 0, found.isEmpty {
                if directory.exists(directory.mark) {
                    throw SQLiteError.damagedRow(
                        "reading the tables, of which there are none, although \(path) has been in use"
                    )
                }
                return try create(database)
            }
            if application == Schema.applicationID, version > Schema.version {
                throw SQLiteError.newerVersion(version)
            }
            guard application == Schema.applicationID, version >= Schema.oldestVersion,
                found == Schema.statements(of: version)
            else {
                throw SQLiteError.damagedRow("reading the tables, which are not those of this server")
            }
            // From here on an older server must not write to it.
            if version < Schema.version { try upgrade(database, from: version) }
        } catch {
            throw refusal(path, error)
        }
    }

    static func schema(of database: Database) throws(SQLiteError) -> [String] {
        let select = try database.prepare("SELECT sql FROM sqlite_schema ORDER BY rowid")
        var found: [String] = []
        while try select.step() { found.append(select.text(0)) }
        return found
    }

    private static func upgrade(_ database: Database, from version: Int64) throws(SQLiteError) {
        try database.execute("BEGIN IMMEDIATE")
        for statement in Schema.statements[Schema.statements(of: version).count...] { try database.execute(statement) }
        try database.execute("PRAGMA user_version=\(Schema.version)")
        try database.execute("COMMIT")
    }

    private static func create(_ database: Database) throws(SQLiteError) {
        try database.execute("BEGIN IMMEDIATE")
        for statement in Schema.statements { try database.execute(statement) }
        try database.execute("PRAGMA application_id=\(Schema.applicationID)")
        try database.execute("PRAGMA user_version=\(Schema.version)")
        let put = try database.prepare("INSERT INTO head (id, data) VALUES (?, ?)")
        put.bind(1, HeadRow.key)
        put.bind(2, HeadRow().encoded)
        try put.run()
        try database.execute("COMMIT")
    }

    static func refusal(_ path: String, _ error: SQLiteError) -> DirectoryError {
        if let version = error.newerFormat {
            return DirectoryError(
                "The data directory \(path) was written by a newer Freshet (format \(version); this one knows "
                    + "\(Schema.version)). Use that version, or another directory."
            )
        }
        if error.isDamage || error.kind == SQLITE_ERROR || error.kind == SQLITE_IOERR && error.systemError == 0 {
            return damage(path, "\(error.description), \(error.action)")
        }
        if error.isDiskFull {
            return DirectoryError(
                "The data directory \(path) cannot be opened, because its disk is full. Make room there."
            )
        }
        return DirectoryError(
            "The data directory \(path) cannot be opened, while \(error.action): \(error.description)."
        )
    }

    static func damage(_ path: String, _ problem: String) -> DirectoryError {
        let sentence = problem.hasSuffix(".") ? problem : problem + "."
        return DirectoryError(
            "The data directory \(path) is damaged: \(sentence) `freshet check \(path)` lists what; restore a backup as "
                + "\(DataDirectory.database(in: path)) in an empty directory."
        )
    }
}
