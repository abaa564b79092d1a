/// The checksum of a row: over its table, its key and its content.
@available(freshet 0.1, *)
enum Checksum {
    static func of(_ content: ArraySlice<UInt8>, _ table: Table, key: Int64) -> UInt32 {
        var checksum = CRC32C()
        checksum.add(Int64(table.rawValue))
        checksum.add(key)
        checksum.add(content)
        return checksum.value
    }

    /// The checksum a row carries.
    static func carried(by row: [UInt8]) -> UInt32 {
        row.prefix(4).enumerated().reduce(0) { $0 | UInt32($1.element) << (8 * UInt32($1.offset)) }
    }

    /// A row under another key, if it is sound under the one it has.
    static func moved(_ row: [UInt8], _ table: Table, from key: Int64, to other: Int64) throws(RowDamage) -> [UInt8] {
        guard row.count >= 4, of(row[4...], table, key: key) == carried(by: row) else { throw RowDamage() }
        return carrying(of(row[4...], table, key: other), row)
    }

    /// A row with a checksum in its first four bytes.
    static func carrying(_ checksum: UInt32, _ row: [UInt8]) -> [UInt8] {
        var row = row
        for index in 0..<4 { row[index] = UInt8(truncatingIfNeeded: checksum >> (8 * UInt32(index))) }
        return row
    }
}
