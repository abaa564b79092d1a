/// The tables. Each has an integer key and a row that `RowWriter` made; the number goes into the row's checksum.
@available(freshet 0.1, *)
enum Table: Int {
    /// One row: what holds for the whole database.
    case head = 1
    /// One row a stream: its options, and the state of its log up to what is sealed.
    case stream = 2
    /// One row a commit: the appends of all streams since, until their events are sealed into chunks.
    case hot = 3
    /// Stretches of one stream. The key is the stream's number and the chunk's.
    case chunk = 4
    /// One row for each end or expiry that somebody is yet to be told of.
    case outbox = 5
    /// The events of such a row.
    case outboxContent = 6
}

@available(freshet 0.1, *)
enum Schema {
    /// `Frsh`, so that `file` and people can tell whose database it is.
    static let applicationID: Int64 = 0x4672_7368
    /// The version of everything in the data directory. To the row of a stream, version 2 added forks, version 3 the
    /// fields of plain responses and version 4 its owner; a row without them is the same in all. Version 4 also added the
    /// outbox.
    static let version: Int64 = 4
    /// The oldest version that is still read. A server that opens such a directory makes it one of its own version.
    static let oldestVersion: Int64 = 1

    /// The tables of a version.
    static func statements(of version: Int64) -> [String] {
        version < 4 ? Array(statements.dropLast()) : statements
    }

    static let statements = [
        "CREATE TABLE head (id INTEGER PRIMARY KEY, data BLOB NOT NULL)",
        "CREATE TABLE stream (id INTEGER PRIMARY KEY, data BLOB NOT NULL)",
        "CREATE TABLE hot (id INTEGER PRIMARY KEY, data BLOB NOT NULL)",
        // The last offset stands beside the row, so that a chunk is found without reading others.
        "CREATE TABLE chunk (id INTEGER PRIMARY KEY, ms INTEGER NOT NULL, n INTEGER NOT NULL, data BLOB NOT NULL)",
        // The events stand beside the row, so that many rows are read without them.
        "CREATE TABLE outbox (id INTEGER PRIMARY KEY, data BLOB NOT NULL, content BLOB NOT NULL)",
    ]

    /// The key of a chunk: 39 bits of stream, which is more streams than will ever be made, and 24 of chunk.
    static func chunkKey(_ stream: Int64, _ chunk: Int64) -> Int64 { stream << 24 | chunk }
    static let chunksPerStream: Int64 = 1 << 24
}
