@testable import SQLiteStreamStore

/// Makes a database one of a version before the outbox, where it holds nothing that came later.
enum EarlierVersion {
    static func make(_ version: Int, of file: String) throws {
        let database = try Database(path: file, mode: .readWrite)
        let select = try database.prepare("SELECT data FROM head")
        _ = try select.step()
        // Neither an entry nor a sum, and the number 1: three bytes.
        let head = Array(select.bytes(0).dropLast(3))
        select.reset()
        let put = try database.prepare("UPDATE head SET data = ?")
        put.bind(1, Checksum.carrying(Checksum.of(head[4...], .head, key: HeadRow.key), head))
        try put.run()
        try database.execute("DROP TABLE outbox")
        try database.execute("PRAGMA user_version=\(version)")
    }
}
