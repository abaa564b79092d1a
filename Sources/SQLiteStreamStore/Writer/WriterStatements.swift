import CSQLite
import StreamCore

/// The writer's statements, prepared once.
@available(freshet 0.1, *)
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
    let selectLast: Statement
    let putOutbox: Statement
    let updateOutbox: Statement
    let deleteOutbox: Statement
    let selectOutbox: Statement
    let selectOutboxContent: Statement
    let listOutbox: Statement

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
        selectLast = try database.prepare("SELECT ms, n FROM chunk WHERE id = ?")
        putOutbox = try database.prepare("INSERT INTO outbox (id, data, content) VALUES (?, ?, ?)")
        updateOutbox = try database.prepare("UPDATE outbox SET data = ? WHERE id = ?")
        deleteOutbox = try database.prepare("DELETE FROM outbox WHERE id = ?")
        selectOutbox = try database.prepare("SELECT data FROM outbox WHERE id = ?")
        selectOutboxContent = try database.prepare("SELECT data, content FROM outbox WHERE id = ?")
        listOutbox = try database.prepare("SELECT id, data FROM outbox WHERE id > ? ORDER BY id LIMIT ?")
    }

    /// A chunk of a stream that must be there.
    func chunk(_ index: Int64, of stream: WriterStream) throws(SQLiteError) -> ChunkRow {
        let key = Schema.chunkKey(stream.row.number, index)
        guard let chunk = try? ChunkReader.row(key, selectChunk) else { throw Self.damage(stream) }
        return chunk
    }

    /// The last offset of such a chunk.
    func lastOffset(_ index: Int64, of stream: WriterStream) throws(SQLiteError) -> Offset {
        selectLast.bind(1, Schema.chunkKey(stream.row.number, index))
        defer { selectLast.reset() }
        guard try selectLast.step(), let last = Offset(stored: selectLast.integer(0), selectLast.integer(1)) else {
            throw Self.damage(stream)
        }
        return last
    }

    private static func damage(_ stream: WriterStream) -> SQLiteError {
        .damagedRow("reading events of the stream \(stream.row.name), up to \(stream.log.tail) at most, for a fork")
    }

    func add(_ chunk: ChunkRow, key: Int64) throws(SQLiteError) {
        try addChunk(key, Int64(chunk.last.milliseconds), Int64(chunk.last.counter), chunk.encoded(key: key))
    }

    /// Copies a chunk of a stream, checked, to another key.
    func copyChunk(_ index: Int64, of stream: WriterStream, to other: Int64) throws(SQLiteError) {
        let key = Schema.chunkKey(stream.row.number, index)
        selectChunk.bind(1, key)
        defer { selectChunk.reset() }
        guard try selectChunk.step(),
            let row = try? Checksum.moved(selectChunk.bytes(2), .chunk, from: key, to: other)
        else { throw Self.damage(stream) }
        try addChunk(other, selectChunk.integer(0), selectChunk.integer(1), row)
    }

    private func addChunk(
        _ key: Int64,
        _ milliseconds: Int64,
        _ counter: Int64,
        _ row: [UInt8]
    ) throws(SQLiteError) {
        addChunk.bind(1, key)
        addChunk.bind(2, milliseconds)
        addChunk.bind(3, counter)
        addChunk.bind(4, row)
        try addChunk.run()
    }
}
