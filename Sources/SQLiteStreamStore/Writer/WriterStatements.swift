import CSQLite

/// The writer's statements, prepared once.
struct WriterStatements {
    let begin: Statement
    let commit: Statement
    let rollback: Statement
    let putHead: Statement
    let putStream: Statement
    let deleteStream: Statement
    let addHot: Statement
    let deleteHot: Statement
    let addChunk: Statement
    let deleteChunks: Statement
    let selectChunk: Statement

    init(_ database: Database) throws(SQLiteError) {
        begin = try database.prepare("BEGIN IMMEDIATE")
        commit = try database.prepare("COMMIT")
        rollback = try database.prepare("ROLLBACK")
        putHead = try database.prepare("INSERT OR REPLACE INTO head (id, data) VALUES (?, ?)")
        putStream = try database.prepare("INSERT OR REPLACE INTO stream (id, data) VALUES (?, ?)")
        deleteStream = try database.prepare("DELETE FROM stream WHERE id = ?")
        addHot = try database.prepare("INSERT INTO hot (id, data) VALUES (?, ?)")
        deleteHot = try database.prepare("DELETE FROM hot WHERE id BETWEEN ? AND ?")
        addChunk = try database.prepare("INSERT INTO chunk (id, ms, n, data) VALUES (?, ?, ?, ?)")
        deleteChunks = try database.prepare("DELETE FROM chunk WHERE id BETWEEN ? AND ?")
        selectChunk = try database.prepare("SELECT ms, n, data FROM chunk WHERE id = ?")
    }
}
